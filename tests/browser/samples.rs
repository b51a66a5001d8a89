//! Every page in every state that has a sample, in both languages, from the narrowest phone to a desk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::chrome::{Chrome, Look, run};

/// Widths of a small phone, a phone, a tablet and a desk.
const WIDTHS: [u32; 4] = [320, 390, 1024, 1280];

fn files(at: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(at).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn changed(path: &PathBuf) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// The pages that the tests of the views wrote, which run before those of the browser.
fn samples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = files(&root.join("target/view-samples"));
    let sources = [files(&root.join("src/view")), files(&root.join("static"))].concat();
    let written = pages.iter().map(changed).min();
    assert!(
        written > sources.iter().map(changed).max(),
        "the samples are missing or older than the sources: cargo test --lib view::tests::render_samples"
    );
    // Appearance moves nothing, and the entry sends itself on.
    let is_wanted = |name: &str| !name.contains(".dark.") && !name.starts_with("entry.");
    let is_page = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "html");
    pages.into_iter().filter(|path| is_page(path) && is_wanted(&path.file_name().unwrap().to_string_lossy())).collect()
}

#[test]
fn nothing_on_any_page_is_out_of_its_place() {
    let samples = samples();
    assert!(samples.len() > 300, "{}", samples.len());
    run(async {
        let chrome = Chrome::start(Look::default()).await?;
        let mut wrong = Vec::new();
        for page in &samples {
            chrome.open(&format!("file://{}", page.display())).await?;
            let open = "for (const one of document.querySelectorAll('details')) one.open = true";
            chrome.driver.execute(open, vec![]).await?;
            for width in WIDTHS {
                chrome.resize(width, 844);
                let found = chrome.out_of_place().await?;
                wrong.extend(found.into_iter().map(|what| format!("{} at {width}: {what}", page.display())));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        chrome.quit().await
    });
}
