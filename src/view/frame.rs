//! What surrounds a page: head, header, navigation, footer. One function per layout, content handed in.

use maud::{DOCTYPE, Markup, html};

use crate::domain::value::Lang;

use super::icon::{Icon, icon};
use super::parts::{mail_link, post};
use super::when::{Detail, Zone, tell, time};
use super::words::{Words, words};
use crate::domain::value::Instant;

/// The vendor's product as its buyers know it; all of it is configuration.
#[derive(Debug, Clone, Default)]
pub struct Brand {
    pub name: String,
    /// Support's e-mail address.
    pub support: String,
    pub docs_url: Option<String>,
    /// The product's own sign-in page.
    pub login_url: Option<String>,
    pub terms_url: Option<String>,
    pub privacy_url: Option<String>,
    /// Path of the logo, served by us. `None`: a mark made of the name's first letter.
    pub logo_url: Option<String>,
    /// What the invoice card says instead of the usual sentence.
    pub invoice_note: Option<String>,
}

/// The appearance a person chose; none chosen: the system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    /// As in the `data-theme` attribute, the cookie and the form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// `None` for the system's (`auto`) and for anything unknown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == text)
    }
}

/// The person who is signed in.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    pub name: &'a str,
    pub email: &'a str,
    /// Came by a login-free entry: sees one organization, everything else needs the password.
    pub is_via_marketplace: bool,
    /// Staff, shown the way to their console.
    pub is_operator: bool,
}

/// What every page knows beside its own facts.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    pub lang: Lang,
    pub theme: Option<Theme>,
    pub zone: &'a Zone,
    pub brand: &'a Brand,
    pub signed_in: Option<Who<'a>>,
    /// Goes into every form. Empty: the page offers none (before a session exists, or when we are too busy to have one).
    pub csrf: &'a str,
    /// Where a change of language or appearance returns to: the path of a page that may be asked for with GET.
    pub path: &'a str,
    pub request_id: &'a str,
    /// Of the static files, so that they may be cached for ever.
    pub version: &'a str,
    /// Name and version of the program, for operators.
    pub release: &'a str,
}

impl Frame<'_> {
    #[must_use]
    pub fn words(&self) -> &'static Words {
        words(self.lang)
    }

    /// The moment as an element.
    #[must_use]
    pub fn time(&self, at: Instant, detail: Detail) -> Markup {
        time(self.lang, self.zone, at, detail)
    }

    /// Between two sentences: full-width punctuation brings its own.
    #[must_use]
    pub const fn space(&self) -> &'static str {
        match self.lang {
            Lang::Zh => "",
            Lang::En => " ",
        }
    }

    /// The moment as text.
    #[must_use]
    pub fn tell(&self, at: Instant, detail: Detail) -> String {
        tell(self.lang, self.zone, at, detail)
    }
}

/// One entry of a navigation.
#[derive(Debug, Clone)]
pub struct NavItem {
    pub label: String,
    pub href: String,
    pub icon: Option<Icon>,
    pub is_current: bool,
}

/// The left side of the console.
pub struct Side<'a> {
    /// What the brand links to.
    pub home: &'a str,
    /// The box below the brand: a caption, a name, and where the name leads.
    pub scope: Option<Scope<'a>>,
    /// The navigation's accessible name.
    pub label: &'a str,
    pub items: Vec<NavItem>,
    /// The person and the way out; [`account`] makes the usual one.
    pub foot: Markup,
}

/// What a console is about: an organization, the operators' view, a demo.
pub struct Scope<'a> {
    pub caption: &'a str,
    pub name: &'a str,
    pub href: Option<&'a str>,
}

/// One column, no navigation: the way from the marketplace to the product.
#[must_use]
pub fn flow(frame: &Frame, title: &str, content: &Markup) -> Markup {
    let w = frame.words();
    let body = html! {
        (skip(w))
        header.top {
            a.brand href="/" { (brand(frame)) }
            div.row {
                @if let Some(who) = frame.signed_in {
                    span.mut { (who.name) }
                    (sign_out(frame))
                }
                (language(frame))
            }
        }
        main.flow #main { (content) }
        (foot(frame))
    };
    document(frame.lang, frame.theme, frame.version, &full_title(title, &frame.brand.name), None, &body)
}

/// The bare page: brand and content. For answers that cannot know a session, so there is nothing to press but links.
#[must_use]
pub fn plain(frame: &Frame, title: &str, content: &Markup) -> Markup {
    let body = html! {
        (skip(frame.words()))
        header.top { a.brand href="/" { (brand(frame)) } }
        main.flow #main { (content) }
        (foot(&Frame { csrf: "", ..*frame }))
    };
    document(frame.lang, frame.theme, frame.version, &full_title(title, &frame.brand.name), None, &body)
}

/// Navigation on the left, the page beside it.
#[must_use]
pub fn console(frame: &Frame, side: &Side, title: &str, content: &Markup) -> Markup {
    let scope = |inside: &Scope| html! { span.fine { (inside.caption) } b { (inside.name) } };
    let body = html! {
        (skip(frame.words()))
        div.shell {
            header.side {
                a.brand href=(side.home) { (brand(frame)) }
                @match &side.scope {
                    Some(inside @ Scope { href: Some(href), .. }) => a.org href=(href) { (scope(inside)) },
                    Some(inside) => p.org { (scope(inside)) },
                    None => {}
                }
                nav.nav aria-label=(side.label) { ul {
                    @for item in &side.items {
                        li { a href=(item.href) aria-current=[item.is_current.then_some("page")] {
                            @if let Some(picture) = item.icon { (icon(picture)) }
                            (item.label)
                        } }
                    }
                } }
                (side.foot)
            }
            main.page #main { (content) }
        }
    };
    document(frame.lang, frame.theme, frame.version, &full_title(title, &frame.brand.name), None, &body)
}

/// The usual foot of the console's side: who is signed in, the way out, the other language.
#[must_use]
pub fn account(frame: &Frame, me_href: Option<&str>) -> Markup {
    html! {
        div.who {
            @if let Some(who) = frame.signed_in {
                p {
                    @match me_href {
                        Some(href) => a href=(href) { (who.name) },
                        None => (who.name),
                    }
                }
                p { (who.email) }
            }
            div.row {
                @if frame.signed_in.is_some() { (sign_out(frame)) }
                (language(frame))
            }
            @if frame.signed_in.is_some_and(|who| who.is_operator) { p.release { (frame.release) } }
        }
    }
}

/// What surrounds the simulator's pages. They bring their own words; the frame says whose they are not.
#[derive(Debug, Clone, Copy)]
pub struct SimFrame<'a> {
    pub lang: Lang,
    pub theme: Option<Theme>,
    pub nav: &'a [NavItem],
    /// At the right end of the bar: the buyer account, forms that change it. Empty markup: nothing.
    pub tools: &'a Markup,
    pub version: &'a str,
}

/// A page of the simulator: hatched banner, dark bar, cool greys.
#[must_use]
pub fn sim(frame: &SimFrame, title: &str, content: &Markup) -> Markup {
    let w = words(frame.lang);
    let body = html! {
        (skip(w))
        (sim_head(frame))
        main.page #main { (content) }
    };
    document(frame.lang, frame.theme, frame.version, &full_title(title, w.sim.title), Some("sim"), &body)
}

/// A dialog of the simulator as a page of its own: what is behind cannot be reached. The dialog holds the `h1`,
/// which must have the id `dialog-title`; what is behind must not hold one (use `p.h1`).
#[must_use]
pub fn sim_dialog(frame: &SimFrame, title: &str, behind: &Markup, dialog: &Markup) -> Markup {
    let w = words(frame.lang);
    let body = html! {
        div inert {
            (sim_head(frame))
            div.page { (behind) }
        }
        main.veil #main { dialog open aria-labelledby="dialog-title" { (dialog) } }
    };
    document(frame.lang, frame.theme, frame.version, &full_title(title, w.sim.title), Some("sim"), &body)
}

fn sim_head(frame: &SimFrame) -> Markup {
    let w = &words(frame.lang).sim;
    html! {
        aside.simnote aria-label=(w.note_label) { strong { (w.note) } (w.note_text) }
        header.top {
            span.brand { (icon(Icon::Cart)) (w.brand) }
            div.row {
                nav.row aria-label=(w.navigation) {
                    @for item in frame.nav {
                        a href=(item.href) aria-current=[item.is_current.then_some("page")] { (item.label) }
                    }
                }
                (frame.tools)
            }
        }
    }
}

fn document(
    lang: Lang,
    theme: Option<Theme>,
    version: &str,
    title: &str,
    class: Option<&str>,
    body: &Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) data-theme=[theme.map(Theme::as_str)] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                title { (title) }
                link rel="stylesheet" href={ "/static/style.css?v=" (version) };
                @if class != Some("sim") { link rel="icon" href={ "/static/favicon.svg?v=" (version) } type="image/svg+xml"; }
                script defer src={ "/static/app.js?v=" (version) } {}
            }
            body class=[class] { (body) }
        }
    }
}

fn full_title(title: &str, of: &str) -> String {
    format!("{title} · {of}")
}

fn skip(w: &Words) -> Markup {
    html! { a.skip href="#main" { (w.shared.skip) } }
}

fn brand(frame: &Frame) -> Markup {
    let initial: String = frame.brand.name.chars().take(1).flat_map(char::to_uppercase).collect();
    html! {
        @match &frame.brand.logo_url {
            Some(href) => img src=(href) alt="" width="24" height="24";,
            None => svg viewBox="0 0 24 24" aria-hidden="true" {
                rect width="24" height="24" rx="6" fill="currentColor" {}
                text.mark x="12" y="17.25" text-anchor="middle" { (initial) }
            },
        }
        (frame.brand.name)
    }
}

fn foot(frame: &Frame) -> Markup {
    let w = &frame.words().shared;
    html! {
        footer.foot.fine {
            span { (w.help) (mail_link(&frame.brand.support)) }
            @if let Some(href) = &frame.brand.terms_url { a href=(href) { (w.terms) } }
            @if let Some(href) = &frame.brand.privacy_url { a href=(href) { (w.privacy) } }
            @if !frame.csrf.is_empty() { div.row { span { (w.appearance) } (appearance(frame)) } }
        }
    }
}

/// 「退出」 as a button: a link would sign people out whom a page merely prefetches.
fn sign_out(frame: &Frame) -> Markup {
    post(frame, "/logout", &html! { button.link { (frame.words().shared.sign_out) } })
}

/// The switch to the other language.
#[must_use]
pub fn language(frame: &Frame) -> Markup {
    let w = &frame.words().shared;
    let other = frame.lang.other().tag();
    html! {
        @if !frame.csrf.is_empty() {
            (post(frame, "/preferences", &html! {
                input type="hidden" name="next" value=(frame.path);
                button.link name="lang" value=(other) lang=(other) { (w.other_language) }
            }))
        }
    }
}

/// The choice between the system's, the light and the dark appearance.
#[must_use]
pub fn appearance(frame: &Frame) -> Markup {
    let w = &frame.words().shared;
    let choices = [
        (w.theme_auto, "auto", None),
        (w.theme_light, Theme::Light.as_str(), Some(Theme::Light)),
        (w.theme_dark, Theme::Dark.as_str(), Some(Theme::Dark)),
    ];
    post(
        frame,
        "/preferences",
        &html! {
            input type="hidden" name="next" value=(frame.path);
            @for (label, value, theme) in choices {
                button.link name="theme" value=(value) aria-pressed=(frame.theme == theme) { (label) }
            }
        },
    )
}
