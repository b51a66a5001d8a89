//! Language and appearance: cookies, remembered with the user's account as well.

use super::form::Form;
use super::visit::{Jar, Page, Visit, local_path, see_other};
use crate::domain::value::Lang;
use crate::usecase;
use crate::view::Theme;

pub async fn save(visit: Visit, form: Form) -> Page {
    if let Some(lang) = Lang::parse(form.text("lang")) {
        visit.set_cookie(Jar::Lang, lang.tag());
        if let Some(session) = &visit.session {
            let user_id = session.user_id.clone();
            visit.app.store.write(move |tx| usecase::user::set_lang(tx, &user_id, lang)).await?;
        }
    }
    if form.has("theme") {
        visit.set_cookie(Jar::Theme, Theme::parse(form.text("theme")).map_or("auto", Theme::as_str));
    }
    Ok(see_other(local_path(form.text("next")).unwrap_or("/")))
}
