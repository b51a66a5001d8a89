//! Tables to download: RFC 4180 with a BOM, and nothing that a spreadsheet takes for a formula.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::error::{Error, Result};

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r'];
/// Spreadsheets read a table as UTF-8 when it begins with this.
const BOM: &str = "\u{feff}";
/// Rows of a list that are read at once.
pub const CHUNK: u32 = 1_000;
/// How often: a list that goes on behind is too long for one table, and its words name the rows.
const CHUNKS: usize = 100;

/// A table that is being written.
pub struct Table(csv::Writer<Vec<u8>>);

impl Table {
    pub fn new(heading: &[&str]) -> Result<Self> {
        let to = BOM.as_bytes().to_vec();
        let mut table = Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to));
        table.add(heading.iter().map(|&name| name.to_owned()))?;
        Ok(table)
    }

    pub fn add(&mut self, row: impl IntoIterator<Item = String>) -> Result<()> {
        self.0.write_record(row.into_iter().map(plain)).map_err(|cause| Error::internal(cause.to_string()))
    }

    /// Every row of a list: `fetch` takes a cursor and answers with some rows and the cursor of what is behind them.
    ///
    /// # Errors
    /// `Conflict(too_many_rows)` instead of a table that lacks the rest.
    pub async fn add_all<T>(
        &mut self,
        fetch: impl AsyncFn(String) -> Result<(Vec<T>, Option<String>)>,
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<()> {
        let mut after = String::new();
        for _ in 0..CHUNKS {
            let (found, next) = fetch(after).await?;
            for one in &found {
                self.add(row(one))?;
            }
            match next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
        Err(Error::Conflict("too_many_rows"))
    }

    pub fn bytes(self) -> Result<Vec<u8>> {
        self.0.into_inner().map_err(|cause| Error::internal(cause.to_string()))
    }

    /// The table as a file.
    pub fn answer(self, file: &str) -> Result<HttpResponse> {
        Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")))
            .body(self.bytes()?))
    }
}

/// A cell that no spreadsheet takes for a formula: an apostrophe stands before what would be one.
fn plain(cell: String) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for sign in ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"] {
            assert_eq!(plain(format!("{sign}1")), format!("'{sign}1"));
        }
        assert_eq!(["a=1", "1", ""].map(|cell| plain(cell.into())), ["a=1", "1", ""]);
        let mut table = Table::new(&["=name"]).unwrap();
        table.add(["@x".into()]).unwrap();
        assert_eq!(String::from_utf8(table.bytes().unwrap()).unwrap(), "\u{feff}'=name\r\n'@x\r\n");
    }

    /// A table of a list of so many pages of one row.
    async fn table(pages: usize) -> Result<String> {
        let mut table = Table::new(&["number"])?;
        let fetch = async |after: String| {
            let at: usize = after.parse().unwrap_or(0);
            Ok((vec![at], (at + 1 < pages).then(|| (at + 1).to_string())))
        };
        table.add_all(fetch, |at| vec![at.to_string()]).await?;
        Ok(String::from_utf8(table.bytes()?).unwrap())
    }

    #[actix_web::test]
    async fn a_list_is_in_the_table_to_its_end_or_there_is_no_table() {
        assert_eq!(table(3).await.unwrap(), "\u{feff}number\r\n0\r\n1\r\n2\r\n");
        assert_eq!(table(CHUNKS).await.unwrap().lines().count(), 1 + CHUNKS);
        let cut = table(CHUNKS + 1).await;
        assert!(matches!(cut, Err(Error::Conflict("too_many_rows"))), "{cut:?}");
    }
}
