//! The HTML part of a mail, made from its plain text: the same words, with the address as something to press.
//!
//! Styles stand on the elements, because mailboxes drop style sheets; colours are readable on white and where a mailbox
//! darkens the page. Nothing is loaded from anywhere.

use maud::{DOCTYPE, Markup, html};

/// Text in the sense of [`super::Letter::body`]: paragraphs with blank lines between them. A paragraph that is one
/// address becomes a button that says `open`, with the address below it, so that everybody sees where it leads.
#[must_use]
pub fn page(lang: &str, subject: &str, body: &str, open: &str) -> String {
    let paragraphs: Vec<&str> = body.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).collect();
    let (last, others) = paragraphs.split_last().map_or(("", &[][..]), |(last, others)| (*last, others));
    html! {
        (DOCTYPE)
        html lang=(lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (subject) }
            }
            body style="margin:0;padding:32px 16px;font:16px/1.65 -apple-system,'Segoe UI','PingFang SC','Noto Sans CJK SC','Microsoft YaHei',sans-serif" {
                div style="max-width:560px;margin:0 auto" {
                    h1 style="margin:0 0 24px;font-size:20px;line-height:1.4;font-weight:600" { (subject) }
                    @for text in others { (paragraph(text, open)) }
                    p style="margin:32px 0 0;padding-top:16px;border-top:1px solid #c9c4ba;font-size:14px;color:#767676" { (lines(last)) }
                }
            }
        }
    }
    .into_string()
}

fn paragraph(text: &str, open: &str) -> Markup {
    if !is_address(text) {
        return html! { p style="margin:0 0 16px" { (lines(text)) } };
    }
    html! {
        p style="margin:24px 0 8px" {
            a href=(text) style="display:inline-block;padding:10px 24px;border-radius:6px;background:#1a5c9a;color:#ffffff;text-decoration:none;font-weight:500" { (open) }
        }
        p style="margin:0 0 24px;font-size:13px;line-height:1.5;color:#767676;word-break:break-all" { (text) }
    }
}

/// Only what we wrote ourselves as a link: names of people and organizations stand within sentences.
fn is_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

fn lines(text: &str) -> Markup {
    html! {
        @for (at, line) in text.lines().enumerate() {
            @if at > 0 { br; }
            (line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_text_and_only_an_address_of_its_own_paragraph_can_be_pressed() {
        let said = page(
            "zh-CN",
            "请重置 <密码>",
            "<b>林悦</b> https://evil.example，您好：\n\n打开下面的链接：\n\nhttps://gate.example.com/a?b=1&c=2\n\nZilliz Cloud\n需要帮助？support@example.com\n",
            "打开链接",
        );
        assert!(said.contains("&lt;b&gt;林悦&lt;/b&gt; https://evil.example") && !said.contains("<b>"), "{said}");
        assert_eq!(said.matches("<a ").count(), 1, "{said}");
        assert!(said.contains(r#"href="https://gate.example.com/a?b=1&amp;c=2""#), "{said}");
        assert!(said.contains("Zilliz Cloud<br>需要帮助？support@example.com"), "{said}");
    }
}
