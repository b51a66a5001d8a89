//! What the check-up says, in both languages: each finding with what is to be done.

use std::fmt::Write as _;
use std::path::Path;

use super::{Check, Finding, Severity};
use crate::domain::hold::Reason;
use crate::domain::value::{Instant, Lang};
use crate::usecase::audit::Fault;
use crate::usecase::doctor::Hole;

/// Findings of one kind that are named one by one.
const NAMED: usize = 10;

/// For programs.
pub const fn name(check: Check) -> &'static str {
    match check {
        Check::Settings => "settings",
        Check::Files => "files",
        Check::Disk => "disk",
        Check::Schema => "schema",
        Check::Copy => "copy",
        Check::Backup => "backup",
        Check::Integrity => "integrity",
        Check::MasterKey => "master_key",
        Check::Audit => "audit",
        Check::Usage => "usage",
        Check::Gauges => "gauges",
        Check::Records => "records",
        Check::Work => "work",
        Check::Alarms => "alarms",
        Check::People => "people",
        Check::Marketplace => "marketplace",
        Check::Mail => "mail",
    }
}

pub const fn title(check: Check, lang: Lang) -> &'static str {
    let (zh, en) = match check {
        Check::Settings => ("配置", "settings"),
        Check::Files => ("文件权限", "file modes"),
        Check::Disk => ("磁盘空间", "disk space"),
        Check::Schema => ("数据库版本", "schema version"),
        Check::Backup => ("备份", "backups"),
        Check::Copy => ("副本与暂停", "copies and holds"),
        Check::Integrity => ("数据库完整性", "integrity of the database"),
        Check::MasterKey => ("主密钥", "master key"),
        Check::Audit => ("审计日志链", "chain of the audit log"),
        Check::Usage => ("用量守恒", "conservation of usage"),
        Check::Gauges => ("计量缺口", "holes of gauges"),
        Check::Records => ("推送", "pushes"),
        Check::Work => ("后台任务与 Webhook", "background work and webhooks"),
        Check::People => ("运营人员", "operators"),
        Check::Alarms => ("告警", "alarms"),
        Check::Marketplace => ("云市场 OpenAPI 与时钟", "the marketplace's OpenAPI and clock"),
        Check::Mail => ("邮件", "mail"),
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

pub fn sum(lang: Lang, (errors, warnings, hints): (usize, usize, usize)) -> String {
    match lang {
        Lang::Zh if errors + warnings == 0 => format!("一切正常，{hints} 条提示。"),
        Lang::En if errors + warnings == 0 => format!("All is well; {hints} hints."),
        Lang::Zh => format!("{errors} 个错误，{warnings} 个警告，{hints} 条提示。"),
        Lang::En => format!("{errors} errors, {warnings} warnings, {hints} hints."),
    }
}

fn finding(
    code: &'static str,
    severity: Severity,
    (what_zh, what_en): (impl Into<String>, impl Into<String>),
    (remedy_zh, remedy_en): (impl Into<String>, impl Into<String>),
) -> Finding {
    Finding { code, severity, what: [what_zh.into(), what_en.into()], remedy: [remedy_zh.into(), remedy_en.into()] }
}

fn error(code: &'static str, what: (String, String), remedy: (&str, &str)) -> Finding {
    finding(code, Severity::Error, what, remedy)
}

fn warning(code: &'static str, what: (String, String), remedy: (&str, &str)) -> Finding {
    finding(code, Severity::Warning, what, remedy)
}

fn hint(code: &'static str, what: (String, String), remedy: (&str, &str)) -> Finding {
    finding(code, Severity::Hint, what, remedy)
}

/// The first few of many, and a word about the others.
pub fn some(findings: impl ExactSizeIterator<Item = Finding>) -> Vec<Finding> {
    let more = findings.len().saturating_sub(NAMED);
    let mut found: Vec<Finding> = findings.take(NAMED).collect();
    if let Some(Finding { what: [zh, en], .. }) = found.last_mut().filter(|_| more > 0) {
        // Writing to a text cannot fail.
        let _ = (write!(zh, "；另有 {more} 处"), write!(en, "; and {more} more"));
    }
    found
}

// The settings speak for themselves, in the words of `config check`.
pub fn settings(cause: &str) -> Finding {
    error(
        "settings",
        (cause.to_owned(), cause.to_owned()),
        (
            "修改配置后用 `marketgate config check` 复查；`serve` 会拒绝以此配置启动。",
            "Change the settings and try `marketgate config check`; `serve` refuses to start with them.",
        ),
    )
}

pub fn previous_key(seller: &str, days: i64) -> Finding {
    warning(
        "previous_key",
        (
            format!("卖家 {seller} 的上一个安全密钥 {days} 天来一直有效"),
            format!("the previous ISV key of seller {seller} has been accepted for {days} days"),
        ),
        (
            "用 `marketgate isv-key list` 确认调用已改用当前安全密钥，再执行 `marketgate isv-key drop-previous`。",
            "See with `marketgate isv-key list` that calls are signed with the current one, then run `marketgate isv-key drop-previous`.",
        ),
    )
}

pub fn readable(path: &Path, mode: u32) -> Finding {
    let path = path.display();
    finding(
        "readable",
        Severity::Error,
        (
            format!("{path} 的权限为 {mode:03o}，本机的其他用户可以读取"),
            format!("{path} has mode {mode:03o}: other users of this machine can read it"),
        ),
        (format!("执行 `chmod 600 {path}`。"), format!("Run `chmod 600 {path}`.")),
    )
}

pub fn writable(path: &Path, mode: u32) -> Finding {
    let path = path.display();
    finding(
        "writable",
        Severity::Error,
        (
            format!("{path} 的权限为 {mode:03o}，任何用户都可以替换其中的文件"),
            format!("{path} has mode {mode:03o}: anybody can replace the files in it"),
        ),
        (format!("执行 `chmod 700 {path}`。"), format!("Run `chmod 700 {path}`.")),
    )
}

fn mebibytes(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

pub fn disk_full(path: &Path, free: u64) -> Finding {
    let (path, free) = (path.display(), mebibytes(free));
    error(
        "disk_full",
        (format!("{path} 所在磁盘只剩 {free} MiB"), format!("only {free} MiB are left on the disk of {path}")),
        (
            "立即清理磁盘或扩容：写满后云市场的调用会得到 503。",
            "Make room now: when it is full, calls of the marketplace are answered 503.",
        ),
    )
}

pub fn disk_filling(path: &Path, free: u64, size: u64) -> Finding {
    let (path, free, size) = (path.display(), mebibytes(free), mebibytes(size));
    warning(
        "disk_filling",
        (
            format!("{path} 所在磁盘剩 {free} MiB，数据库占 {size} MiB"),
            format!("{free} MiB are left on the disk of {path}; the database has {size} MiB"),
        ),
        (
            "请扩容：升级前会在旁边复制一份数据库，至少需要与数据库同样大小的空间。",
            "Make room: an upgrade copies the database beside itself first, so at least its size again is needed.",
        ),
    )
}

pub fn owner(path: &Path, uid: u32) -> Finding {
    let path = path.display();
    finding(
        "owner",
        Severity::Error,
        (format!("{path} 属于另一个用户（uid {uid}）"), format!("{path} belongs to another user (uid {uid})")),
        (
            format!("以该用户执行：`sudo -u '#{uid}' marketgate doctor …`。"),
            format!("Run this as that user: `sudo -u '#{uid}' marketgate doctor …`."),
        ),
    )
}

pub fn missing(path: &Path) -> Finding {
    let path = path.display();
    hint(
        "no_database",
        (format!("{path} 还不存在"), format!("{path} does not exist yet")),
        ("首次启动 `marketgate serve` 时会创建。", "`marketgate serve` makes it at its first start."),
    )
}

pub fn older(from: u32, to: u32) -> Finding {
    error(
        "older_schema",
        (
            format!("数据库版本为 {from}，本程序需要 {to}"),
            format!("the database has schema {from}, this program needs {to}"),
        ),
        (
            "停止网关，执行 `marketgate migrate`（会先在旁边复制一份）。",
            "Stop the gateway and run `marketgate migrate`; it copies the file beside itself first.",
        ),
    )
}

pub fn newer(found: u32, known: u32) -> Finding {
    error(
        "newer_schema",
        (
            format!("数据库版本为 {found}，本程序只认识到 {known}"),
            format!("the database has schema {found}, this program knows no more than {known}"),
        ),
        ("请使用更新版本的程序。", "Use the newer program."),
    )
}

pub fn foreign(path: &Path) -> Finding {
    let path = path.display();
    error(
        "foreign",
        (format!("{path} 是其他程序的数据库"), format!("{path} is a database of another program")),
        ("检查配置中的 database。", "Check `database` in the settings."),
    )
}

pub fn unreadable(cause: &str) -> Finding {
    error(
        "unreadable",
        (format!("无法读取数据库：{cause}"), format!("the database cannot be read: {cause}")),
        (
            "检查磁盘与文件权限；若文件已损坏，请从备份恢复。",
            "Check the disk and the file's mode; if the file is damaged, go back to a backup.",
        ),
    )
}

pub fn no_master_key(cause: &str) -> Finding {
    error(
        "no_master_key",
        (format!("主密钥不可用：{cause}"), format!("the master key cannot be used: {cause}")),
        (
            "首次安装执行 `marketgate init`；否则把原来的密钥文件放回原处。",
            "Run `marketgate init` at a first installation; else put the file with the key back.",
        ),
    )
}

pub fn other_master_key(said: &str) -> Finding {
    error(
        "other_master_key",
        ("主密钥与数据库不匹配，网关会拒绝启动".to_owned(), said.to_owned()),
        (
            "放回与数据库匹配的密钥；轮换后的旧密钥在 `<key>.former`。",
            "Put the key that fits in its place; after a rotation the former one is `<key>.former`.",
        ),
    )
}

pub fn hold(reason: Reason, detail: &str) -> Finding {
    match reason {
        Reason::Restored => warning(
            "held_copy",
            (
                format!("此数据库来自副本，推送、Webhook 与邮件都已暂停（{detail}）"),
                format!("this database is a copy: pushes, webhooks and mails are held ({detail})"),
            ),
            (
                "确认原网关不再运行，对照云市场帐单处理 /operator/metering 上的记录，然后执行 `marketgate resume`。",
                "See that the original does not run, decide at /operator/metering with the bill beside you, then run `marketgate resume`.",
            ),
        ),
        Reason::Clock => warning(
            "held_clock",
            (
                format!("系统时钟发生跳变（{detail}），用量暂停结算与推送"),
                format!("the clock moved by itself ({detail}): usage is neither closed nor pushed"),
            ),
            (
                "校正时钟；与云市场一致后会自动恢复，或执行 `marketgate resume`。",
                "Set the clock right: it goes on when the marketplace's clock agrees, or by `marketgate resume`.",
            ),
        ),
    }
}

pub fn no_backups() -> Finding {
    finding(
        "no_backups",
        Severity::Hint,
        ("没有配置定时备份", "no backups are made by themselves"),
        (
            "设置 [backup] directory，或自行定时执行 `marketgate backup`。",
            "Set [backup] directory, or run `marketgate backup` by a timer of your own.",
        ),
    )
}

pub fn backup_directory(path: &Path, cause: &str) -> Finding {
    let path = path.display();
    error(
        "backup_directory",
        (format!("备份目录 {path} 不可用：{cause}"), format!("the backup directory {path} cannot be used: {cause}")),
        ("创建该目录并交给网关的用户。", "Make it, and give it to the gateway's user."),
    )
}

pub fn backup_old(path: &Path, last: Option<Instant>) -> Finding {
    let path = path.display();
    let (zh, en) = match last {
        Some(at) => {
            let at = crate::market::time::text(at);
            (format!("{path} 中最近的备份是 {at}"), format!("the youngest backup in {path} is of {at} China time"))
        }
        None => (format!("{path} 中还没有备份"), format!("there is no backup in {path} yet")),
    };
    warning(
        "backup_old",
        (zh, en),
        (
            "网关启动时会立即补做；若失败，告警 backup_failed 与日志说明原因。",
            "A gateway that starts makes one up for it; if that fails, the alarm backup_failed and the log say why.",
        ),
    )
}

pub fn strange(said: &str) -> Finding {
    error(
        "copy",
        ("此文件是副本（换了机器或文件），`serve` 会拒绝启动".to_owned(), said.to_owned()),
        (
            "若原网关已停用，执行 `marketgate promote`；备份请用 `marketgate restore`。",
            "If the original is gone, run `marketgate promote`; for a backup, `marketgate restore`.",
        ),
    )
}

pub fn damaged(first: &str, count: usize) -> Finding {
    error(
        "damaged",
        (
            format!("数据库文件已损坏（至少 {count} 处）：{first}"),
            format!("the database file is damaged ({count} places at least): {first}"),
        ),
        (
            "停止网关，保留现有文件，从最近的备份恢复；检查磁盘与内存。",
            "Stop the gateway, keep the file as it is, and go back to the latest backup; check the disk and the memory.",
        ),
    )
}

pub fn dangling(table: &str, count: i64) -> Finding {
    error(
        "dangling",
        (
            format!("表 {table} 中有 {count} 行引用了不存在的行"),
            format!("{count} rows of {table} refer to rows that do not exist"),
        ),
        (
            "有人直接修改过数据库。请从备份恢复，或联系支持。",
            "Somebody changed the database by hand. Go back to a backup, or ask for support.",
        ),
    )
}

pub fn chain(fault: Fault) -> Finding {
    let (zh, en) = match fault {
        Fault::Head => ("审计日志的首尾记录不是本程序写的".to_owned(), "its head was not written by us".to_owned()),
        Fault::OtherKey => {
            ("审计日志使用的是另一把主密钥".to_owned(), "it was made with another master key".to_owned())
        }
        Fault::Missing(id) => (format!("第 {id} 行缺失"), format!("row {id} is missing")),
        Fault::Changed(id) => {
            (format!("第 {id} 行被改动或移动过"), format!("row {id} is not what was written, or not where"))
        }
        Fault::Surplus(id) => (format!("多出第 {id} 行"), format!("row {id} is one too many")),
    };
    error(
        "audit_chain",
        (zh, en),
        (
            "有人直接改过数据库。保留文件作为证据，并与早先的备份比对。",
            "Somebody changed the database by hand. Keep the file as evidence and compare it with earlier backups.",
        ),
    )
}

pub fn unbalanced(first: &crate::usecase::usage::Imbalance, count: usize) -> Finding {
    let id = first.record_id;
    let told = |pair: Option<(i64, i64)>| pair.map_or_else(|| "–".to_owned(), |(n, sum)| format!("{n} × / {sum}"));
    let (ledger, events) = (told(first.ledger), told(first.events));
    error(
        "unbalanced",
        (
            format!("{count} 条用量记录与其事件不符，第一条为 {id}（记录 {ledger}，事件 {events}）"),
            format!(
                "{count} usage records do not say what their events say, first {id} (record {ledger}, events {events})"
            ),
        ),
        (
            "先不要对这些记录做决定：有人直接改过数据库，或是程序缺陷，请带上此输出联系支持。",
            "Decide nothing about these records yet: the database was changed by hand, or this is a defect. Ask for support with this output.",
        ),
    )
}

pub fn hole(one: &Hole) -> Finding {
    let Hole { organization_id, item, missing, .. } = one;
    let last = crate::market::time::text(one.last);
    let (zh, en) = if one.is_silent {
        (
            format!("{organization_id} 的 {item} 自 {last} 起没有样本（{missing} 个周期）"),
            format!("{organization_id} has told nothing of {item} since {last} China time ({missing} windows)"),
        )
    } else {
        (
            format!("{organization_id} 的 {item} 缺 {missing} 个周期的样本（最近一次 {last}）"),
            format!("{organization_id} has told nothing of {item} for {missing} windows before {last} China time"),
        )
    };
    warning(
        "gauge_hole",
        (zh, en),
        (
            "没有样本的周期不会计费。检查产品是否仍在上报；已停用则可忽略。",
            "Windows without a sample are not billed. Look whether the product still reports; if it was switched off, all is well.",
        ),
    )
}

pub fn stopped(seller: &str) -> Finding {
    error(
        "push_stopped",
        (
            format!("商家 {seller} 的 AccessKey 被云市场拒绝，用量已停止推送"),
            format!("the marketplace refuses the AccessKey of {seller}: its usage is not pushed"),
        ),
        (
            "更换 AccessKey 或恢复其权限，重启网关，或在 /operator/metering 恢复推送。每小时的用量须在次小时 55 分前送达。",
            "Change the key or its rights and start again, or let it go on at /operator/metering. An hour's usage must arrive by 55 minutes past the next.",
        ),
    )
}

pub fn at_risk(count: i64) -> Finding {
    error(
        "at_risk",
        (
            format!("{count} 条用量记录将在 15 分钟内错过云市场的截止时间"),
            format!("{count} usage records miss the marketplace's deadline within 15 minutes"),
        ),
        (
            "查看 /operator/metering 上的原因（网络、AccessKey、限流）。",
            "Look at /operator/metering for the reason: the network, the key, or throttling.",
        ),
    )
}

pub fn held(count: i64) -> Finding {
    warning(
        "held",
        (
            format!("{count} 条用量记录不知道是否已被云市场接受，正等待决定"),
            format!("nobody knows whether the marketplace took {count} usage records; they wait for a decision"),
        ),
        (
            "在 /operator/metering 对照云市场帐单后，选择重新推送、视为已接受或放弃。",
            "Compare with the marketplace's bill and decide at /operator/metering: resend, treat as accepted, or waive.",
        ),
    )
}

pub fn lost(rejected: i64, missed: i64) -> Finding {
    warning(
        "lost",
        (
            format!("最近 24 小时有 {rejected} 条用量记录被拒绝，{missed} 条错过截止时间"),
            format!("in the last 24 hours {rejected} usage records were rejected and {missed} missed their deadline"),
        ),
        (
            "在 /operator/metering 查看原因；错过的用量不再计费。",
            "See why at /operator/metering; what was missed is not billed.",
        ),
    )
}

pub fn dead_jobs(kind: &str, count: i64) -> Finding {
    warning(
        "dead_jobs",
        (format!("{count} 个 {kind} 任务已放弃"), format!("{count} jobs of the kind {kind} were given up")),
        (
            "在 /operator/jobs 查看最后的原因，消除后重试或丢弃。",
            "See the last reason at /operator/jobs; mend it, then retry or discard them.",
        ),
    )
}

pub fn dead_deliveries(count: i64) -> Finding {
    warning(
        "dead_deliveries",
        (format!("{count} 个 Webhook 投递已放弃"), format!("{count} webhook deliveries were given up")),
        (
            "修复接收端，然后在 /operator/deliveries 重新投递。",
            "Mend the receiver, then send them again at /operator/deliveries.",
        ),
    )
}

pub fn disabled_webhooks(count: i64) -> Finding {
    warning(
        "disabled_webhooks",
        (format!("{count} 个 Webhook 已停用"), format!("{count} webhooks are switched off")),
        (
            "修复接收端，然后用 `PATCH /api/v1/webhooks/{id}` 重新启用，或删除它。",
            "Mend the receiver and switch it on with `PATCH /api/v1/webhooks/{id}`, or delete it.",
        ),
    )
}

pub fn alarm(kind: &str, count: i64) -> Finding {
    warning(
        "alarm",
        (format!("{count} 个未处理的告警：{kind}"), format!("{count} open alarms: {kind}")),
        (
            "docs/operations.md 说明每种告警的含义与处理。",
            "docs/operations.md says what each of them means and what to do.",
        ),
    )
}

pub fn no_operator() -> Finding {
    finding(
        "no_operator",
        Severity::Warning,
        ("没有可登录的运营人员，无人能处理存疑的用量", "there is no operator: nobody can decide on usage in doubt"),
        ("执行 `marketgate operator add 邮箱`。", "Make one with `marketgate operator add EMAIL`."),
    )
}

pub fn no_access_key(seller: &str) -> Finding {
    hint(
        "no_access_key",
        (
            format!("商家 {seller} 没有 AccessKey：用量不会推送，差异无法自动核对"),
            format!("seller {seller} has no AccessKey: its usage is not pushed, and differences are not looked for"),
        ),
        (
            "有按量付费商品时，请配置 access_key_id 与 access_key_secret_file。",
            "Where usage is billed, set access_key_id and access_key_secret_file.",
        ),
    )
}

pub fn unreachable(origin: &str, cause: &str) -> Finding {
    error(
        "unreachable",
        (format!("无法访问 {origin}：{cause}"), format!("{origin} cannot be reached: {cause}")),
        ("检查出站网络、DNS 与代理。", "Check the way out: network, DNS, proxy."),
    )
}

/// Our clock is so many seconds ahead of the marketplace's.
pub fn clock(origin: &str, ahead: i64, is_far: bool) -> Finding {
    let secs = ahead.abs();
    let (zh, en) = if ahead > 0 { ("快", "ahead of") } else { ("慢", "behind") };
    finding(
        "clock",
        if is_far { Severity::Error } else { Severity::Warning },
        (
            format!("本机时钟比 {origin} {zh} {secs} 秒"),
            format!("this machine's clock is {secs} s {en} that of {origin}"),
        ),
        (
            "启用 NTP（chrony 或 systemd-timesyncd）。偏差过大时免登链接失效，用量会记入错误的小时。",
            "Keep it right by NTP (chrony, systemd-timesyncd): login-free links fail, and usage lands in wrong hours.",
        ),
    )
}

pub fn mail_off() -> Finding {
    hint(
        "mail_off",
        (
            "没有配置邮件服务器：邮件只排队，不会发出".to_owned(),
            "no mail server is configured: mails are queued and nobody sends them".to_owned(),
        ),
        (
            "页面会显示可复制的链接；忘记密码无法自助。如需邮件，请配置 [smtp]。",
            "Pages show links to copy, and forgotten passwords cannot be reset by oneself. For mail, set [smtp].",
        ),
    )
}

pub fn mail_server(host: &str, cause: &str) -> Finding {
    error(
        "mail_server",
        (format!("邮件服务器 {host} 不可用：{cause}"), format!("the mail server {host} cannot be used: {cause}")),
        ("检查 [smtp] 的主机、端口、加密与密码。", "Check host, port, encryption and password in [smtp]."),
    )
}
