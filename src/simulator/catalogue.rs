//! What the simulated marketplace sells, and to whom.

use serde::Serialize;

use crate::clock::Instant;
use crate::domain::value::{DAY_MS, HOUR_MS, Lang};
use crate::market::{metering, time};

/// A text in both languages.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    pub zh: String,
    pub en: String,
}

impl Said {
    #[must_use]
    pub fn new(zh: &str, en: &str) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// The text in one language.
    #[must_use]
    pub fn of(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Catalogue {
    /// At least one; the first is what `/` leads to.
    pub products: Vec<Product>,
    /// At least one; the first is who a browser is until it says otherwise.
    pub accounts: Vec<Account>,
}

/// A buyer account (阿里云帐号).
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// Short and stable: `A`, `B`.
    pub key: String,
    pub uid: String,
    pub name: Said,
}

#[derive(Debug, Clone, Serialize)]
pub struct Product {
    pub code: String,
    /// As the list of purchases shows it.
    pub name: String,
    /// As its own page shows it.
    pub title: Said,
    pub tagline: Said,
    pub vendor: Said,
    /// The trail above the title.
    pub category: Said,
    pub plans: Vec<Plan>,
    pub items: Vec<Item>,
}

/// What can be bought of a product; `sku` is the marketplace's `skuId`.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub sku: String,
    pub name: Said,
    pub terms: Terms,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Terms {
    /// By usage, no end.
    Postpay,
    /// Paid in advance for so many days. Fen: 1/100 CNY.
    Prepay { days: u32, price_fen: i64 },
    /// Free, for so many days.
    Trial { days: u32 },
}

impl Terms {
    /// When a term that begins at `from` ends: midnight in China at the end of its last day. `None`: never.
    #[must_use]
    pub fn end(self, from: Instant) -> Option<Instant> {
        match self {
            Self::Postpay => None,
            Self::Prepay { days, .. } | Self::Trial { days } => {
                Some(time::next_day(from.plus_ms(i64::from(days) * DAY_MS)))
            }
        }
    }

    /// When a term that now ends at `until` ends after one renewal.
    #[must_use]
    pub fn renewed(self, until: Instant) -> Option<Instant> {
        match self {
            Self::Postpay => None,
            Self::Prepay { days, .. } | Self::Trial { days } => Some(until.plus_ms(i64::from(days) * DAY_MS)),
        }
    }

    #[must_use]
    pub const fn price_fen(self) -> i64 {
        match self {
            Self::Prepay { price_fen, .. } => price_fen,
            Self::Postpay | Self::Trial { .. } => 0,
        }
    }

    #[must_use]
    pub const fn is_trial(self) -> bool {
        matches!(self, Self::Trial { .. })
    }
}

/// A billing item. Its key says in which unit usage is pushed and in which it is priced (specification 5.3).
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    pub key: String,
    /// Its id in the listing (`meteringAssit`, sic).
    pub assit: String,
    /// What the price is for: 每 vCPU·小时.
    pub per: Said,
    /// CNY for one billed unit, as decimal text.
    pub price: String,
    pub cycle: Cycle,
}

/// What usage is collected over before it becomes a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    Hour,
    /// Of China time.
    Day,
}

impl Cycle {
    /// The first instant of the hour or day that holds `at`.
    #[must_use]
    pub fn start(self, at: Instant) -> Instant {
        match self {
            Self::Hour => time::hour_start(at),
            Self::Day => time::day_start(at),
        }
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(self, at: Instant) -> Instant {
        match self {
            Self::Hour => time::next_hour(at),
            Self::Day => time::next_day(at),
        }
    }

    /// The instant before which its usage must arrive.
    #[must_use]
    pub fn deadline(self, at: Instant) -> Instant {
        match self {
            Self::Hour => metering::hourly_deadline(at),
            Self::Day => metering::daily_deadline(at),
        }
    }

    /// When its bill is made: that of 8 to 9 o'clock at 10:00, that of a day at 2:00 on the next one.
    #[must_use]
    pub fn billed_at(self, at: Instant) -> Instant {
        match self {
            Self::Hour => self.end(at).plus_ms(HOUR_MS),
            Self::Day => self.end(at).plus_ms(2 * HOUR_MS),
        }
    }
}

impl Catalogue {
    /// The seed of demo and fixture (interfaces, section 4).
    #[must_use]
    pub fn demo() -> Self {
        let item = |key: &str, zh, en, price: &str| Item {
            key: key.into(),
            assit: format!("cmgj00063418-{key}-1"),
            per: Said::new(zh, en),
            price: price.into(),
            cycle: Cycle::Hour,
        };
        let plan =
            |sku: &str, zh, en, terms| Plan { sku: format!("cmgj00063418-{sku}"), name: Said::new(zh, en), terms };
        let account =
            |key: &str, uid: &str, zh, en| Account { key: key.into(), uid: uid.into(), name: Said::new(zh, en) };
        Self {
            products: vec![Product {
                code: "cmgj00063418".into(),
                name: "Zilliz Cloud".into(),
                title: Said::new("Zilliz Cloud 向量数据库", "Zilliz Cloud vector database"),
                tagline: Said::new(
                    "全托管的 Milvus 服务，用于语义检索、推荐与 RAG。",
                    "Milvus, fully managed, for semantic search, recommendation and RAG.",
                ),
                vendor: Said::new("Zilliz（演示）", "Zilliz (demo)"),
                category: Said::new("全部商品 / 软件应用 / 数据库", "All products / Software / Databases"),
                plans: vec![
                    plan("postpay", "按量付费", "Pay-as-you-go", Terms::Postpay),
                    plan("prepay", "包年，8 vCPU", "Yearly, 8 vCPU", Terms::Prepay { days: 365, price_fen: 5_280_000 }),
                    plan(
                        "prepay-16",
                        "包年，16 vCPU",
                        "Yearly, 16 vCPU",
                        Terms::Prepay { days: 365, price_fen: 9_980_000 },
                    ),
                    plan("trial", "试用 7 天", "7-day trial", Terms::Trial { days: 7 }),
                ],
                items: vec![
                    item("VirtualCpu", "每 vCPU·小时", "per vCPU and hour", "0.8600"),
                    item("Storage", "每 MB·小时", "per MB and hour", "0.000001"),
                    item("Period", "每实例·小时", "per instance and hour", "0.1200"),
                ],
            }],
            accounts: vec![
                account("A", "1234567890125678", "买家 A", "Buyer A"),
                account("B", "8806317745902140", "买家 B", "Buyer B"),
            ],
        }
    }

    /// The same under another vendor's product code and plans. Where none are given, the codes follow the product's.
    #[must_use]
    pub fn selling(mut self, code: Option<&str>, skus: &[String]) -> Self {
        let Some(product) = self.products.first_mut() else { return self };
        if let Some(code) = code {
            for plan in &mut product.plans {
                plan.sku = plan.sku.replacen(&product.code, code, 1);
            }
            code.clone_into(&mut product.code);
            code.clone_into(&mut product.name);
            product.title = Said::new(code, code);
        }
        if !skus.is_empty() {
            let terms = |sku: &str| match sku.rsplit('-').next() {
                Some("postpay") => Terms::Postpay,
                Some("trial") => Terms::Trial { days: 7 },
                _ => Terms::Prepay { days: 365, price_fen: 100 },
            };
            product.plans = skus
                .iter()
                .map(|sku| Plan { sku: sku.clone(), name: Said::new(sku, sku), terms: terms(sku) })
                .collect();
        }
        self
    }

    #[must_use]
    pub fn product(&self, code: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.code == code)
    }

    #[must_use]
    pub fn account(&self, key: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.key == key)
    }
}

impl Product {
    #[must_use]
    pub fn plan(&self, sku: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.sku == sku)
    }

    #[must_use]
    pub fn item(&self, key: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key == key)
    }
}
