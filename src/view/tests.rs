//! What holds for every page: both languages, structure, forms, links, and how each looked when it was approved.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use scraper::{ElementRef, Html, Selector};

use crate::domain::value::Lang;

use super::frame::Theme;
use super::samples;

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn each(check: impl Fn(Lang, &str, &Html)) {
    for lang in [Lang::Zh, Lang::En] {
        for (name, markup) in samples::all(lang, None) {
            check(lang, name, &Html::parse_document(&markup.into_string()));
        }
    }
}

#[test]
fn every_page_has_a_language_a_title_one_heading_and_a_main_part() {
    each(|lang, name, page| {
        let html = select(page, "html")[0];
        assert_eq!(html.attr("lang"), Some(lang.tag()), "{name}");
        assert!(select(page, "title")[0].text().collect::<String>().contains(" · "), "{name}");
        assert_eq!(select(page, "h1").len(), 1, "{name}: one h1");
        assert_eq!(select(page, "main#main").len(), 1, "{name}: one main");
        assert_eq!(select(page, "meta[name=robots][content^=noindex]").len(), 1, "{name}");
        assert!(select(page, ".btn.primary:not([disabled])").len() <= 1, "{name}: one primary action");
        let levels: Vec<u32> =
            select(page, "h1, h2, h3, h4").iter().filter_map(|it| it.value().name()[1..].parse().ok()).collect();
        assert!(levels.windows(2).all(|two| two[1] <= two[0] + 1), "{name}: a heading of no section: {levels:?}");
    });
}

#[test]
fn nothing_is_inline_and_every_id_is_unique() {
    each(|_, name, page| {
        assert!(select(page, "[style], style, [onclick], [onsubmit], script:not([src])").is_empty(), "{name}");
        let mut ids = BTreeSet::new();
        for element in select(page, "[id]") {
            let id = element.attr("id").unwrap();
            assert!(ids.insert(id.to_owned()), "{name}: the id {id} stands twice");
        }
        for (selector, attribute) in [
            ("label[for]", "for"),
            ("[aria-describedby]", "aria-describedby"),
            ("[aria-labelledby]", "aria-labelledby"),
            ("[form]", "form"),
        ] {
            for element in select(page, selector) {
                for id in element.attr(attribute).unwrap().split_whitespace() {
                    assert!(ids.contains(id), "{name}: {attribute}={id} leads nowhere");
                }
            }
        }
        for link in select(page, "a[href^='#']") {
            assert!(ids.contains(&link.attr("href").unwrap()[1..]), "{name}: {:?}", link.attr("href"));
        }
    });
}

#[test]
fn every_form_posts_with_its_secret_and_no_form_stands_in_another() {
    each(|_, name, page| {
        if name.starts_with("sim-") {
            return;
        }
        let secret = Selector::parse("input[type=hidden][name=csrf]").unwrap();
        for form in select(page, "form") {
            // A form that only asks puts its fields into the address, where a secret must not stand.
            let is_question = form.attr("method") == Some("get");
            assert!(is_question || form.attr("method") == Some("post"), "{name}");
            assert_eq!(form.select(&secret).count(), usize::from(!is_question), "{name}: {:?}", form.attr("action"));
        }
        assert!(select(page, "form form").is_empty(), "{name}");
        // A form in a paragraph ends it, and leaves an empty one behind.
        assert!(select(page, "p:empty").is_empty(), "{name}: an empty paragraph");
        for input in select(page, "input:not([type=hidden]), select") {
            let id = input.attr("id").unwrap_or_default();
            assert_eq!(select(page, &format!("label[for='{id}']")).len(), 1, "{name}: {id} has a label");
        }
    });
}

/// A summary that says the same twice, or what does not stand beside its field as well, helps nobody to find it.
#[test]
fn what_is_wrong_is_said_beside_its_field() {
    each(|_, name, page| {
        let mut said = BTreeSet::new();
        for link in select(page, "[role=alert] a[href^='#']") {
            let (field, text) = (&link.attr("href").unwrap()[1..], link.text().collect::<String>());
            let beside = select(page, &format!(".err#{field}-d"));
            assert!(beside.iter().any(|it| it.text().collect::<String>().ends_with(&text)), "{name}: {field}: {text}");
            assert!(said.insert(text), "{name}: {field} is told of as another field is");
        }
    });
}

/// The routes that pages may lead to or post to. `*` is one segment.
const LINKS: &[&str] = &[
    "/",
    "/claim",
    "/claim/*",
    "/login",
    "/register",
    "/password/forgot",
    "/me",
    "/me/sessions",
    "/me/email",
    "/me/security",
    "/me/export",
    "/me/delete",
    "/me/security/password",
    "/me/security/totp",
    "/orgs",
    "/orgs/*/unbind",
    "/orgs/new",
    "/orgs/*/billing",
    "/orgs/*/unbind",
    "/orgs/*/usage",
    "/orgs/*/usage.csv",
    "/orgs/*/members",
    "/orgs/*/members/*/role",
    "/orgs/*/members/*/remove",
    "/orgs/*/leave",
    "/orgs/*/settings",
    "/orgs/*/delete",
    "/login/confirm",
    "/operator",
    "/operator/subscriptions",
    "/operator/subscriptions.csv",
    "/operator/subscriptions/*/metering",
    "/operator/subscriptions/*/unbind",
    "/operator/calls",
    "/operator/calls/*",
    "/operator/deliveries",
    "/operator/deliveries/*",
    "/operator/jobs",
    "/operator/jobs/*",
    "/operator/organizations",
    "/operator/organizations/*",
    "/operator/organizations/*/freeze",
    "/operator/organizations/*/unfreeze",
    "/operator/users",
    "/operator/users/*",
    "/operator/users/*/sign-out",
    "/operator/users/*/disable",
    "/operator/users/*/enable",
    "/operator/audit",
    "/operator/audit.csv",
    "/operator/metering",
    "/operator/metering/*",
    "/operator/subscriptions/*",
    "/api/docs",
    "/api/v1/openapi.json",
    "/operator/keys",
    "/operator/keys/*",
    "/operator/keys/*/rotate",
    "/operator/keys/*/revoke",
    "/enter",
];
const FORMS: &[&str] = &[
    "/claim/*/confirm",
    "/claim/*/organizations",
    "/claim/*/request-approval",
    "/claim/*/switch-user",
    "/claim/*/report",
    "/approvals/*",
    "/me",
    "/login",
    "/login/confirm",
    "/logout",
    "/register",
    "/password/forgot",
    "/password/reset",
    "/me/sessions/*/end",
    "/me/sessions/end-others",
    "/me/security/password",
    "/me/security/totp",
    "/me/security/totp/disable",
    "/me/security/recovery-codes",
    "/login/totp",
    "/me/delete",
    "/register/code",
    "/register/code/again",
    "/me/email",
    "/me/email/code",
    "/me/email/code/again",
    "/orgs",
    "/orgs/*/unbind",
    "/orgs/*/members/*/role",
    "/orgs/*/members/*/remove",
    "/orgs/*/leave",
    "/orgs/*/settings/name",
    "/orgs/*/settings/time-zone",
    "/orgs/*/delete",
    "/orgs/*/invitations",
    "/orgs/*/invitations/*/resend",
    "/orgs/*/invitations/*/revoke",
    "/invitations/*",
    "/invitations/*/switch-user",
    "/operator/metering/*",
    "/operator/metering/resume",
    "/operator/subscriptions/*/account",
    "/operator/subscriptions/*/unbind",
    "/operator/organizations/*/freeze",
    "/operator/organizations/*/unfreeze",
    "/operator/users/*/sign-out",
    "/operator/users/*/disable",
    "/operator/users/*/enable",
    "/operator/deliveries/*/redeliver",
    "/operator/webhooks/*/enable",
    "/operator/jobs/*",
    "/operator/audit/check",
    "/operator/keys",
    "/operator/keys/*/rotate",
    "/operator/keys/*/revoke",
    "/preferences",
    "/marketplace/*/login/enter",
];

#[test]
fn pages_lead_only_to_routes_that_exist() {
    let is_known = |routes: &[&str], path: &str| {
        let path = path.split('?').next().unwrap_or_default();
        routes.iter().any(|route| {
            let (want, have): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
            want.len() == have.len() && want.iter().zip(have).all(|(want, have)| *want == "*" || *want == have)
        })
    };
    each(|_, name, page| {
        if name.starts_with("sim-") {
            return;
        }
        for link in select(page, "a[href]") {
            let href = link.attr("href").unwrap();
            let is_outside =
                ["#", "https://", "mailto:support@example.com"].iter().any(|start| href.starts_with(start));
            assert!(is_outside || is_known(LINKS, href), "{name}: {href}");
        }
        for form in select(page, "form") {
            let routes = if form.attr("method") == Some("get") { LINKS } else { FORMS };
            assert!(is_known(routes, form.attr("action").unwrap()), "{name}: {:?}", form.attr("action"));
        }
    });
}

#[test]
fn no_page_speaks_the_other_language() {
    let is_cjk = |c: char| matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
    each(|lang, name, page| {
        let own = |element: &ElementRef| {
            element.ancestors().any(|node| {
                node.value().as_element().is_some_and(|parent| parent.attr("lang").is_some_and(|of| of != lang.tag()))
            }) || element.attr("lang").is_some_and(|of| of != lang.tag())
        };
        for element in select(page, "body *").iter().filter(|element| !own(element)) {
            let texts = element.children().filter_map(|node| node.value().as_text().map(|text| text.to_string()));
            let labels = ["aria-label", "data-more", "data-l", "placeholder", "title"]
                .iter()
                .filter_map(|attribute| element.attr(attribute).map(str::to_owned));
            for text in texts.chain(labels) {
                match lang {
                    Lang::En => assert!(!text.chars().any(is_cjk), "{name}: {text}"),
                    // A sentence has three lower-case words in a row; names and codes do not.
                    Lang::Zh => {
                        let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
                        let words: Vec<_> = text.split_whitespace().collect();
                        assert!(!words.windows(3).any(|three| three.iter().all(is_word)), "{name}: {text}");
                    }
                }
            }
        }
    });
}

/// Full-width punctuation brings its own space.
#[test]
fn chinese_sentences_follow_each_other_without_a_space() {
    each(|lang, name, page| {
        for element in select(page, "p, td, dd, span") {
            let text: Vec<char> = element.text().flat_map(str::chars).collect();
            let is_apart = |three: &[char]| "。；！？".contains(three[0]) && three[1] == ' ' && three[2] > '\u{2e80}';
            let found: Option<String> =
                text.windows(3).find(|three| is_apart(three)).map(|three| three.iter().collect());
            assert!(lang == Lang::En || found.is_none(), "{name}: {found:?} in {}", text.iter().collect::<String>());
        }
    });
}

#[test]
fn chinese_stands_in_the_catalogue_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/view");
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|it| it != "rs") || ["samples.rs", "tests.rs"].contains(&name.as_str()) {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            assert!(!line.chars().any(|c| ('\u{2e80}'..='\u{9fff}').contains(&c)), "{name}: {line}");
        }
    }
}

#[test]
fn a_password_is_never_repeated() {
    each(|_, name, page| {
        for input in select(page, "input[type=password]") {
            assert_eq!(input.attr("value"), None, "{name}");
        }
    });
}

#[test]
fn users_text_is_escaped() {
    use super::parts::Problem;
    let page = super::account::Register {
        name: "<script>alert(1)</script>".into(),
        email: "\"><b>".into(),
        problems: vec![Problem::at("name", "too_long")],
        ..Default::default()
    };
    let (zone, brand) = (super::Zone::china(), super::Brand::default());
    let frame = super::Frame {
        lang: Lang::Zh,
        theme: None,
        zone: &zone,
        brand: &brand,
        signed_in: None,
        csrf: "c",
        path: "/register?\"<",
        request_id: "r",
        version: "1",
        release: "",
    };
    let html = super::account::register(&frame, &page).into_string();
    assert!(html.contains("&lt;script&gt;") && html.contains("&quot;&gt;&lt;b&gt;"));
    assert!(!html.contains("<script>alert") && !html.contains("\"><b>"));
}

/// Pages whose frame is part of what was approved; of the others, the main part is.
const WHOLE: &[&str] = &["welcome", "billing", "billing-marketplace", "error-busy", "sim-dialog"];

#[test]
fn pages_are_as_they_were_approved() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/view"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for lang in [Lang::Zh, Lang::En] {
            for (name, markup) in samples::all(lang, None) {
                let html = markup.into_string();
                let main =
                    html.find("<main").filter(|_| !WHOLE.contains(&name)).map_or(html.as_str(), |at| &html[at..]);
                let main = main.split_inclusive("</main>").next().filter(|_| !WHOLE.contains(&name)).unwrap_or(main);
                // One element per line, so that a difference reads.
                insta::assert_snapshot!(format!("{name}.{}", lang.tag()), main.replace("><", ">\n<"));
            }
        }
    });
}

/// Writes every page into `target/view-samples`, to be looked at in a browser.
#[test]
fn render_samples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = root.join("target/view-samples");
    // A page that is no more is not looked at any more.
    let _gone = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).unwrap();
    for file in ["style.css", "app.js"] {
        fs::copy(root.join("static").join(file), out.join(file)).unwrap();
    }
    for (theme, suffix) in [(Theme::Light, ""), (Theme::Dark, ".dark")] {
        for lang in [Lang::Zh, Lang::En] {
            for (name, markup) in samples::all(lang, Some(theme)) {
                let html = markup
                    .into_string()
                    .replace("/static/style.css?v=1", "style.css")
                    .replace("/static/app.js?v=1", "app.js");
                fs::write(out.join(format!("{name}.{}{suffix}.html", lang.tag())), html).unwrap();
            }
        }
    }
}
