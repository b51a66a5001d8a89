//! Everything that the pages say, in both languages, one file per group of pages.
//!
//! Each text stands in one line pair, Chinese first, so that a missing translation does not compile and
//! a changed one is seen beside its other half. A text with parameters is a function. `{}` in a text is
//! a place for markup (a link, an account that must not break): see [`super::parts::fill`].

mod account;
mod act;
mod alarm;
mod billing;
mod binding;
mod directory;
mod docs;
mod email_check;
mod error;
mod health;
mod invitation;
mod key;
mod landing;
mod leaving;
mod member;
mod operator;
mod organization;
mod security;
mod settings;
mod shared;
mod sim;
mod story;
mod unbind;
mod usage;
mod work;

use crate::domain::value::Lang;

pub use account::Account;
pub use act::Acts;
pub use alarm::{AlarmText, Alarms};
pub use billing::Billing;
pub use binding::Binding;
pub use directory::Directory;
pub use docs::Docs;
pub use email_check::EmailCheck;
pub use error::{ErrorText, Errors};
pub use health::Health;
pub use invitation::Invitations;
pub use key::Keys;
pub use landing::Landing;
pub use leaving::Leaving;
pub use member::Members;
pub use operator::Operator;
pub use organization::Organizations;
pub use security::Security;
pub use settings::Settings;
pub use shared::{Fields, Shared};
pub use sim::Sim;
pub use story::Story;
pub use unbind::Unbind;
pub use usage::Usage;
pub use work::Work;

/// A text without parameters.
pub type Text = &'static str;

/// All texts of one language.
pub struct Words {
    pub lang: Lang,
    pub shared: Shared,
    pub fields: Fields,
    pub landing: Landing,
    pub account: Account,
    pub binding: Binding,
    pub billing: Billing,
    pub organizations: Organizations,
    pub members: Members,
    pub invitations: Invitations,
    pub settings: Settings,
    pub errors: Errors,
    pub sim: Sim,
    pub unbind: Unbind,
    pub usage: Usage,
    pub operator: Operator,
    pub alarms: Alarms,
    pub health: Health,
    pub work: Work,
    pub story: Story,
    pub directory: Directory,
    pub acts: Acts,
    pub security: Security,
    pub email_check: EmailCheck,
    pub leaving: Leaving,
    pub keys: Keys,
    pub docs: Docs,
}

impl Words {
    /// A person's name at the beginning of a sentence: Chinese keeps a space between Latin letters and what follows.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        match self.lang {
            Lang::Zh => member::spaced(name).trim_start().to_owned(),
            Lang::En => name.to_owned(),
        }
    }
}

/// The texts of a language.
#[must_use]
pub fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Zh => &ZH,
        Lang::En => &EN,
    }
}

static ZH: Words = Words {
    lang: Lang::Zh,
    shared: Shared::ZH,
    fields: Fields::ZH,
    landing: Landing::ZH,
    account: Account::ZH,
    binding: Binding::ZH,
    billing: Billing::ZH,
    organizations: Organizations::ZH,
    members: Members::ZH,
    invitations: Invitations::ZH,
    settings: Settings::ZH,
    errors: Errors::ZH,
    sim: Sim::ZH,
    unbind: Unbind::ZH,
    usage: Usage::ZH,
    operator: Operator::ZH,
    alarms: Alarms::ZH,
    health: Health::ZH,
    work: Work::ZH,
    story: Story::ZH,
    directory: Directory::ZH,
    acts: Acts::ZH,
    security: Security::ZH,
    email_check: EmailCheck::ZH,
    leaving: Leaving::ZH,
    keys: Keys::ZH,
    docs: Docs::ZH,
};

static EN: Words = Words {
    lang: Lang::En,
    shared: Shared::EN,
    fields: Fields::EN,
    landing: Landing::EN,
    account: Account::EN,
    binding: Binding::EN,
    billing: Billing::EN,
    organizations: Organizations::EN,
    members: Members::EN,
    invitations: Invitations::EN,
    settings: Settings::EN,
    errors: Errors::EN,
    sim: Sim::EN,
    unbind: Unbind::EN,
    usage: Usage::EN,
    operator: Operator::EN,
    alarms: Alarms::EN,
    health: Health::EN,
    work: Work::EN,
    story: Story::EN,
    directory: Directory::EN,
    acts: Acts::EN,
    security: Security::EN,
    email_check: EmailCheck::EN,
    leaving: Leaving::EN,
    keys: Keys::EN,
    docs: Docs::EN,
};

/// `name: type = Chinese, English;` per text.
macro_rules! catalogue {
    ($(#[$doc:meta])* $group:ident { $($(#[$hint:meta])* $name:ident: $kind:ty = $zh:expr, $en:expr;)* }) => {
        $(#[$doc])*
        pub struct $group {
            $($(#[$hint])* pub $name: $kind,)*
        }

        impl $group {
            pub(super) const ZH: Self = Self { $($name: $zh,)* };
            pub(super) const EN: Self = Self { $($name: $en,)* };

            /// Names each text and speaks it with sample parameters.
            #[cfg(test)]
            pub(super) fn each(&self, hear: &mut dyn FnMut(&'static str, String)) {
                use $crate::view::words::Spoken;
                $(hear(concat!(stringify!($group), ".", stringify!($name)), self.$name.speak());)*
            }
        }
    };
}
pub(crate) use catalogue;

/// English numbers: `1 member`, `5 members`.
fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
pub(crate) trait Spoken {
    fn speak(&self) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Spoken for Text {
        fn speak(&self) -> String {
            (*self).to_owned()
        }
    }

    impl Spoken for fn(&str) -> String {
        fn speak(&self) -> String {
            self("§")
        }
    }

    impl Spoken for fn(&str, &str) -> String {
        fn speak(&self) -> String {
            self("§", "¶")
        }
    }

    impl Spoken for fn(u64) -> String {
        fn speak(&self) -> String {
            self(3)
        }
    }

    impl Spoken for fn(&str, u64) -> String {
        fn speak(&self) -> String {
            self("§", 3)
        }
    }

    impl Spoken for AlarmText {
        fn speak(&self) -> String {
            assert!(!self.title.trim().is_empty() && !self.what.trim().is_empty(), "an alarm says two things");
            [self.title, self.what].join("\n")
        }
    }

    impl Spoken for ErrorText {
        fn speak(&self) -> String {
            assert!(
                [self.title, self.lead, self.safe, self.next].iter().all(|text| !text.trim().is_empty()),
                "an error says four things"
            );
            [self.title, self.lead, self.safe, self.next].join("\n")
        }
    }

    impl Words {
        fn each(&self) -> Vec<(&'static str, String)> {
            let mut all = vec![];
            let hear = &mut |name, text| all.push((name, text));
            self.shared.each(hear);
            self.fields.each(hear);
            self.landing.each(hear);
            self.account.each(hear);
            self.binding.each(hear);
            self.billing.each(hear);
            self.organizations.each(hear);
            self.members.each(hear);
            self.invitations.each(hear);
            self.settings.each(hear);
            self.errors.each(hear);
            self.sim.each(hear);
            self.unbind.each(hear);
            self.usage.each(hear);
            self.operator.each(hear);
            self.alarms.each(hear);
            self.health.each(hear);
            self.work.each(hear);
            self.story.each(hear);
            self.directory.each(hear);
            self.acts.each(hear);
            self.security.each(hear);
            self.email_check.each(hear);
            self.leaving.each(hear);
            self.keys.each(hear);
            self.docs.each(hear);
            all
        }
    }

    fn is_cjk(c: char) -> bool {
        matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
    }

    #[test]
    fn every_text_is_said_in_both_languages_and_in_its_own() {
        for ((name, zh), (_, en)) in ZH.each().into_iter().zip(EN.each()) {
            assert!(!zh.trim().is_empty() && !en.trim().is_empty(), "{name} is empty");
            // Each language names the other one as its readers do.
            if name != "Shared.other_language" {
                assert!(!en.chars().any(is_cjk), "{name}: the English text has Chinese in it: {en}");
                assert!(zh.chars().any(is_cjk), "{name}: the Chinese text has no Chinese in it: {zh}");
            }
            assert_eq!(zh.matches("{}").count(), en.matches("{}").count(), "{name}: as many places for markup");
        }
    }

    #[test]
    fn the_texts_keep_the_house_style() {
        for (name, zh) in ZH.each() {
            assert!(!zh.contains('！') && !zh.contains('!'), "{name}: no exclamation marks: {zh}");
            assert!(!zh.contains('你'), "{name}: 您: {zh}");
            for wrong in ["账号", "账户", "帐户", "团队绑定"] {
                assert!(!zh.contains(wrong), "{name}: {wrong} is written otherwise here: {zh}");
            }
            let chars: Vec<char> = zh.chars().collect();
            for pair in chars.windows(2) {
                let is_word = |c: char| c.is_ascii_alphanumeric();
                let is_han = |c: char| matches!(c, '\u{4e00}'..='\u{9fff}');
                let touches = (is_word(pair[0]) && is_han(pair[1])) || (is_han(pair[0]) && is_word(pair[1]));
                // 「约需要1 - 5分钟」 and the like are the marketplace's own words.
                assert!(!touches || name == "Sim.submitted", "{name}: a space between {pair:?}: {zh}");
            }
        }
        for (name, en) in EN.each() {
            assert!(!en.contains('!'), "{name}: no exclamation marks: {en}");
            assert!(!en.contains('\''), "{name}: a typographic apostrophe: {en}");
            assert!(!en.to_lowercase().contains("please") && !en.to_lowercase().contains("oops"), "{name}: {en}");
        }
    }
}
