//! One browser of one test.

use std::cell::RefCell;
use std::future::Future;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::ElementId;
use thirtyfour::prelude::*;

/// How long a page may take to show what is looked for, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);
/// A browser that has much to do loses a click now and then: who still sees the page after this long clicks again, as people do.
const AGAIN: Duration = Duration::from_secs(15);
/// Drivers that are tried before one has a port.
const DRIVERS: u32 = 5;
/// Lines of the driver's log that a test which fails shows.
const TOLD: usize = 60;
/// What is wrong with the page's layout: something is wider than its place, or squeezed to a column of single characters.
/// A table that scrolls is meant to be wider.
const LAYOUT: &str = "
const found = [], wide = document.documentElement.clientWidth;
if (document.scrollingElement.scrollWidth > wide) found.push('the page scrolls sideways');
for (const one of document.body.querySelectorAll('*')) {
  const box = one.getBoundingClientRect(), text = one.textContent.trim();
  if (!box.width || !box.height || one.closest('.vh, .skip, svg, [inert]')) continue;
  const name = `${one.tagName}.${one.className} ${text.slice(0, 40)}`;
  const isWide = one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1;
  if (isWide && !one.closest('.scroll') && !one.matches('input, select')) found.push(`${name} is wider than its place`);
  if (!one.childElementCount && text.length > 4 && box.width < 40 && box.height > 90) found.push(`${name} is squeezed`);
}
return found;";
/// WCAG 2.0 to 2.2, levels A and AA.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

pub struct Chrome {
    pub driver: WebDriver,
    _process: Driver,
    address: String,
    /// What both keep on disk, removed when they have ended.
    profile: tempfile::TempDir,
    has_script: bool,
    left: RefCell<Option<Left>>,
}

/// The page on which something was clicked last, by its document and heading: what follows is looked for on another.
struct Left {
    page: Page,
    element: WebElement,
    is_again: bool,
}

type Page = (ElementId, String);

impl Drop for Chrome {
    #[expect(clippy::print_stderr, reason = "for whoever reads why a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(log_in(self.profile.path())).unwrap_or_default();
            let lines: Vec<String> = log.lines().map(|line| line.chars().take(300).collect()).collect();
            eprintln!("the driver's last words:\n{}", lines[lines.len().saturating_sub(TOLD)..].join("\n"));
        }
    }
}

fn log_in(place: &Path) -> PathBuf {
    place.join("driver.log")
}

/// The driver and the browsers that it started: one process group, ended with the test however it ends.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _told = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _reaped = self.0.wait();
        // What the browser still writes would be left behind.
        let _ended = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    }
}

#[derive(Clone, Copy)]
pub struct Look {
    pub has_script: bool,
    pub is_dark: bool,
    pub width: u32,
    pub height: u32,
}

impl Default for Look {
    fn default() -> Self {
        Self { has_script: true, is_dark: false, width: 1280, height: 1000 }
    }
}

/// Runs a journey to its end.
pub fn run<F: Future<Output = WebDriverResult<()>>>(journey: F) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(journey).unwrap();
}

/// A driver and its port, unless it could not have one.
fn drive(place: &Path) -> Option<(Driver, String)> {
    let mut command = Command::new("chromedriver");
    command.args(["--port=0", "--readable-timestamp"]).arg(format!("--log-path={}", log_in(place).display()));
    command.env("TMPDIR", place).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let mut process = Driver(command.spawn().expect("chromedriver is installed by make test"));
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        line.split("successfully on port ").nth(1).map(|rest| rest.trim_end_matches('.').to_owned())
    })?;
    // What it says later is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    Some((process, port))
}

impl Chrome {
    pub async fn start(look: Look) -> WebDriverResult<Self> {
        let profile = tempfile::tempdir().unwrap();
        // It takes a free port for one family of addresses, and gives up if the other has it taken: then it is asked again.
        let (process, port) = (0..DRIVERS).find_map(|_| drive(profile.path())).expect("chromedriver tells its port");
        let address = format!("http://127.0.0.1:{port}");
        let mut capabilities = DesiredCapabilities::chrome();
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--lang=zh-CN".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--window-size={},{}", look.width, look.height),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        for argument in arguments {
            capabilities.add_arg(&argument)?;
        }
        capabilities.add_experimental_option("prefs", json!({ "intl.accept_languages": "zh-CN,zh" }))?;
        capabilities.set("goog:loggingPrefs", json!({ "performance": "ALL" }))?;
        let driver = WebDriver::new(&address, capabilities).await?;
        let has_script = look.has_script;
        let chrome = Self { driver, _process: process, address, profile, has_script, left: RefCell::default() };
        if !look.has_script {
            chrome.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
        }
        let scheme = if look.is_dark { "dark" } else { "light" };
        chrome.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
        chrome.resize(look.width, look.height);
        Ok(chrome)
    }

    /// A command of the browser's own debugger.
    fn devtools(&self, command: &str, params: &Value) {
        self.ask_driver("goog/cdp/execute", &json!({ "cmd": command, "params": params }));
    }

    fn ask_driver(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/session/{}/{path}", self.address, self.driver.session_id());
        let mut answer =
            crate::world::agent().post(&url).content_type("application/json").send(body.to_string()).unwrap();
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        assert_eq!(answer.status(), 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn open(&self, url: &str) -> WebDriverResult<()> {
        self.left.take();
        self.driver.goto(url).await
    }

    pub async fn refresh(&self) -> WebDriverResult<()> {
        self.left.take();
        self.driver.refresh().await
    }

    /// The document that is shown and its heading, which is empty while there is none.
    async fn page(&self) -> WebDriverResult<Page> {
        let document = self.driver.find(By::Css("html")).await?.element_id();
        let heading = match self.driver.find(By::Css("h1")).await {
            Ok(h1) => h1.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        Ok((document, heading))
    }

    /// The driver may return from a click before the browser has left the page.
    async fn click(&self, element: &WebElement) -> WebDriverResult<()> {
        let page = self.page().await?;
        self.left.replace(Some(Left { page, element: element.clone(), is_again: false }));
        element.click().await
    }

    /// Whether what was clicked last has led nowhere yet; after a while it is clicked again, once.
    #[expect(clippy::print_stderr, reason = "for whoever reads why a test failed")]
    async fn is_still_there(&self, page: Option<&Page>, waited: Duration) -> bool {
        let element = match &mut *self.left.borrow_mut() {
            Some(left) if page == Some(&left.page) => {
                let is_lost = waited > AGAIN && !left.is_again;
                left.is_again |= is_lost;
                is_lost.then(|| left.element.clone())
            }
            _ => return false,
        };
        if let Some(element) = element {
            eprintln!("{waited:?} after a click the page is still there: clicked again");
            // It has gone meanwhile.
            drop(element.click().await);
        }
        true
    }

    /// Waits until the page's heading is this, after a click one that was not there before it, then holds it against the
    /// accessibility rules.
    pub async fn at(&self, heading: &str) -> WebDriverResult<()> {
        let start = Instant::now();
        loop {
            let page = self.page().await.ok();
            let shown = page.as_ref().map(|(_, heading)| heading.clone()).unwrap_or_default();
            if !self.is_still_there(page.as_ref(), start.elapsed()).await && shown.contains(heading) {
                self.left.take();
                return self.check().await;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "「{heading}」 did not come; 「{shown}」 at {}",
                self.driver.current_url().await?
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// An element that has this accessible name, of these kinds.
    async fn named(&self, kinds: &str, name: &str) -> WebDriverResult<WebElement> {
        let start = Instant::now();
        loop {
            for element in self.driver.find_all(By::Css(kinds)).await? {
                if element.text().await.is_ok_and(|text| text.trim() == name || text.trim().starts_with(name)) {
                    return Ok(element);
                }
            }
            assert!(start.elapsed() < PATIENCE, "no {kinds} named 「{name}」 at {}", self.driver.current_url().await?);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn press(&self, name: &str) -> WebDriverResult<()> {
        let element = self.named("main button, main a, dialog button, dialog a, summary", name).await?;
        self.click(&element).await
    }

    /// Clicks the first element of this selector.
    pub async fn press_first(&self, selector: &str) -> WebDriverResult<()> {
        let element = self.find(selector).await?;
        self.click(&element).await
    }

    /// The first element of this selector, as soon as there is one.
    pub async fn find(&self, selector: &str) -> WebDriverResult<WebElement> {
        let query = self.driver.query(By::Css(selector));
        query.wait(PATIENCE, Duration::from_millis(50)).first().await
    }

    pub async fn is_enabled(&self, button: &str) -> WebDriverResult<bool> {
        self.named("button", button).await?.is_enabled().await
    }

    pub async fn fill(&self, id: &str, text: &str) -> WebDriverResult<()> {
        let field = self.find(&format!("#{id}")).await?;
        field.clear().await?;
        field.send_keys(text).await
    }

    pub async fn tick(&self, id: &str) -> WebDriverResult<()> {
        self.find(&format!("#{id}")).await?.click().await
    }

    /// Chooses the radio button of this label.
    pub async fn choose(&self, label: &str) -> WebDriverResult<()> {
        self.named("label", label).await?.click().await
    }

    pub async fn has(&self, text: &str) -> WebDriverResult<bool> {
        Ok(self.driver.find(By::Css("body")).await?.text().await?.contains(text))
    }

    pub async fn until(&self, text: &str) -> WebDriverResult<()> {
        let start = Instant::now();
        while !self.has(text).await.unwrap_or(false) {
            self.is_still_there(self.page().await.ok().as_ref(), start.elapsed()).await;
            assert!(start.elapsed() < PATIENCE, "「{text}」 did not come at {}", self.driver.current_url().await?);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    pub async fn path(&self) -> WebDriverResult<String> {
        Ok(self.driver.current_url().await?.path().to_owned())
    }

    /// No violation of WCAG 2.2 A or AA, and nothing out of its place.
    pub async fn check(&self) -> WebDriverResult<()> {
        if !self.has_script {
            return Ok(());
        }
        let axe = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/target/axe/node_modules/axe-core/axe.min.js"
        ))
        .expect("axe-core is installed by make test");
        let script = format!(
            "{axe};\nconst done = arguments[arguments.length - 1]; axe.run(document, {{ runOnly: arguments[0] }}).then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', '))), e => done([String(e)]));"
        );
        let found = self.driver.execute_async(script, vec![json!(RULES)]).await?;
        let found: Vec<String> = found.convert()?;
        let url = self.driver.current_url().await?;
        assert!(found.is_empty(), "{url}: {found:#?}");
        let found = self.out_of_place().await?;
        assert!(found.is_empty(), "{url}: {found:#?}");
        Ok(())
    }

    /// What [`LAYOUT`] finds.
    pub async fn out_of_place(&self) -> WebDriverResult<Vec<String>> {
        self.driver.execute(LAYOUT, vec![]).await?.convert()
    }

    /// A phone's width is less than a window may have.
    pub fn resize(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// The headers that the browser sent with its requests for addresses that contain `part`.
    pub fn sent_headers(&self, part: &str) -> Vec<Value> {
        let log = self.ask_driver("se/log", &json!({ "type": "performance" }));
        let messages: Vec<Value> = log["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| serde_json::from_str::<Value>(entry["message"].as_str().unwrap()).unwrap()["message"].clone())
            .collect();
        let ids: Vec<&Value> = messages
            .iter()
            .filter(|message| {
                message["method"] == "Network.requestWillBeSent"
                    && message["params"]["request"]["url"].as_str().is_some_and(|url| url.contains(part))
            })
            .map(|message| &message["params"]["requestId"])
            .collect();
        messages
            .iter()
            .filter(|message| {
                message["method"] == "Network.requestWillBeSentExtraInfo"
                    && ids.contains(&&message["params"]["requestId"])
            })
            .map(|message| message["params"]["headers"].clone())
            .collect()
    }

    pub async fn quit(self) -> WebDriverResult<()> {
        self.driver.clone().quit().await
    }
}
