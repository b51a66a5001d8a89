//! What is shipped for the machine: the service, its account, its manual.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::{Serving, initialized, marketgate, says};
use crate::world::PATIENCE;

pub fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

pub fn text(name: &str) -> String {
    std::fs::read_to_string(shipped(name)).unwrap()
}

#[test]
fn the_service_manager_is_told_when_it_listens_and_when_it_begins_to_stop() {
    let place = tempfile::tempdir().unwrap();
    let file = initialized(place.path());
    let path = place.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = || {
        let mut said = [0; 256];
        let length = manager.recv(&mut said).unwrap();
        String::from_utf8_lossy(&said[..length]).into_owned()
    };
    let mut serving = Serving::start_with(&file, |command| command.env("NOTIFY_SOCKET", &path));
    assert_eq!(hear(), "READY=1\n");
    Command::new("kill").arg(serving.0.id().to_string()).status().unwrap();
    assert_eq!(hear(), "STOPPING=1\n");
    assert!(serving.0.wait().unwrap().success());
}

/// The unit waits for what the test above hears, and starts what the command line has.
#[test]
fn the_service_starts_a_command_that_exists() {
    let unit = text("systemd/marketgate.service");
    assert!(unit.contains("\nType=notify\n"));
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/marketgate ")).unwrap();
    let (code, said) = says(marketgate(&start.split(' ').collect::<Vec<_>>()));
    assert!(code == Some(1) && said.contains("/etc/marketgate/marketgate.toml"), "{said}");
    assert!(unit.contains("\nProtectSystem=strict\n"));
}

/// Whoever sets what the example and the documents suggest has a service that may write there, and a container with a volume.
#[test]
fn every_place_that_is_suggested_can_be_written_to() {
    let (unit, compose) = (text("systemd/marketgate.service"), text("container/compose.yaml"));
    let of = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    let mut places = vec![format!("/var/lib/{}", of("StateDirectory="))];
    places.extend(of("ReadWritePaths=").split(' ').map(|path| path.strip_prefix('-').unwrap().to_owned()));
    for place in &places {
        assert!(compose.lines().any(|line| line.contains("- ") && line.ends_with(&format!(":{place}"))), "{place}");
    }
    let mut suggested = 0;
    for file in ["marketgate.example.toml", "../docs/deploy.md", "../docs/operations.md", "../docs/master-key.md"] {
        let text = text(file);
        let words = text.split(|c: char| c.is_whitespace() || "\"'`(),;".contains(c));
        for path in words.filter(|word| word.starts_with("/var/") || word.starts_with("/srv/")) {
            let is_inside = |place: &String| {
                path.strip_prefix(place).is_some_and(|rest| matches!(rest.chars().next(), None | Some('/')))
            };
            assert!(places.iter().any(is_inside), "{path} in {file}");
            suggested += 1;
        }
    }
    assert!(suggested > 10, "only {suggested} places are suggested");
}

/// Systemd's own judgement, where it is installed: 0 is a service that may do nothing, 10 one that may do everything.
#[test]
#[expect(clippy::print_stderr, reason = "whoever runs it should know that a part was left out")]
fn the_service_may_do_little() {
    let analyze = |arguments: &[&str]| {
        let unit = shipped("systemd/marketgate.service");
        Command::new("systemd-analyze").args(arguments).arg(unit).env("SYSTEMD_PAGER", "").output()
    };
    let Ok(judged) = analyze(&["security", "--offline=true", "--threshold=20"]) else {
        eprintln!("systemd-analyze is not installed: its judgement is left out");
        return;
    };
    let said = String::from_utf8_lossy(&judged.stdout).into_owned() + &*String::from_utf8_lossy(&judged.stderr);
    if said.contains("unrecognized option") {
        eprintln!("systemd-analyze is older than 250: its judgement is left out");
        return;
    }
    assert!(judged.status.success() && said.contains("Overall exposure level"), "{said}");
    assert!(!said.contains("Unknown") && !said.contains("ignoring"), "every setting is one: {said}");
}

#[test]
fn every_command_has_a_manual_page_and_every_shell_its_completions() {
    let place = tempfile::tempdir().unwrap();
    let into = place.path().to_str().unwrap();
    assert_eq!(says(marketgate(&["manual", into])), (Some(0), String::new()));
    let page = |name: &str| std::fs::read_to_string(place.path().join(format!("{name}.1"))).unwrap();
    let (_, help) = says(marketgate(&["--help"]));
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(page(&format!("marketgate-{name}")).starts_with(".ie"), "{name}");
        assert!(page("marketgate").contains(&name.replace('-', "\\-")), "{name}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (code, script) = says(marketgate(&["completions", shell]));
        assert!(code == Some(0) && script.contains("serve") && script.contains("health"), "{shell}");
    }
}

/// Whoever follows the guide finds what it names: commands, files, targets of make.
#[test]
fn the_guide_names_what_there_is() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(top.join("docs/deploy.md")).unwrap();
    let (_, help) = says(marketgate(&["--help"]));
    let makefile = std::fs::read_to_string(top.join("Makefile")).unwrap();
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let shell = guide.lines().filter(|line| line.starts_with("sudo -u marketgate "));
    let shell = shell.map(|line| line.trim_start_matches("sudo -u marketgate "));
    // What stands in backquotes, which may go on in the next line.
    let quoted = guide.split('`').skip(1).step_by(2).map(|code| code.trim_start_matches("sudo -u marketgate "));
    let mut commands = 0;
    for code in shell.chain(quoted) {
        match code.split_whitespace().collect::<Vec<_>>()[..] {
            ["make", target, ..] => assert!(makefile.contains(&format!("\n{target}:")), "{code}"),
            ["marketgate", first, ref rest @ ..] if plain(first) => {
                assert!(help.contains(&format!("\n  {first} ")), "{code}");
                let mut asked = vec![first];
                asked.extend(rest.first().copied().filter(|word| plain(word)));
                asked.push("--help");
                let (answer, told) = says(marketgate(&asked));
                assert_eq!(answer, Some(0), "{code}: {told}");
                commands += 1;
            }
            _ => {}
        }
    }
    assert!(commands > 5, "only {commands} commands are named");
    for link in guide.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let (file, part) = link.split_once('#').unwrap_or((link, ""));
        assert!(file.is_empty() || top.join("docs").join(file).exists(), "{link}");
        let title =
            |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace([',', '.'], "").replace(' ', "-");
        assert!(part.is_empty() || guide.lines().any(|line| line.starts_with('#') && title(line) == part), "{link}");
    }
}

/// Whoever reads a document on the machine finds beside it what it links to.
fn links_lead_to_what_is_shipped(assets: &[(&str, &str, &str)]) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Where a file of the sources is installed.
    let installed = |file: &Path| {
        assets.iter().find_map(|(from, to, _)| {
            let is_it = match from.split_once('*') {
                Some((start, end)) => {
                    let name = file.file_name()?.to_str()?;
                    file.parent()? == Path::new(start) && name.ends_with(end)
                }
                None => file == Path::new(from),
            };
            is_it.then(|| if to.ends_with('/') { Path::new(to).join(file.file_name().unwrap()) } else { to.into() })
        })
    };
    let mut links = 0;
    for entry in std::fs::read_dir(top.join("docs")).unwrap() {
        let document = Path::new("docs").join(entry.unwrap().file_name());
        if document.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = std::fs::read_to_string(top.join(&document)).unwrap();
        let from = installed(&document).unwrap_or_else(|| panic!("{} is not shipped", document.display()));
        let targets = text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap());
        for target in targets.filter(|target| !target.is_empty() && !target.contains("://")) {
            let step = |base: &Path| match target.strip_prefix("../") {
                Some(rest) => base.parent().unwrap().parent().unwrap().join(rest),
                None => base.with_file_name(target),
            };
            let (source, wanted) = (step(&document), step(&from));
            let files = if top.join(&source).is_dir() {
                std::fs::read_dir(top.join(&source)).unwrap().map(|it| source.join(it.unwrap().file_name())).collect()
            } else {
                vec![source.clone()]
            };
            for file in files {
                let to = installed(&file).unwrap_or_else(|| panic!("{} is not shipped", file.display()));
                assert_eq!(to, wanted.join(file.strip_prefix(&source).unwrap()), "{target} in {}", document.display());
            }
            links += 1;
        }
    }
    assert!(links > 10, "only {links} links");
}

/// What the package is made of is there, and what it keeps is kept.
#[test]
fn the_package_is_made_of_what_there_is() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = std::fs::read_to_string(top.join("Cargo.toml")).unwrap().parse().unwrap();
    let package = &manifest["package"]["metadata"]["deb"];
    let assets: Vec<(&str, &str, &str)> = package["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| (asset[0].as_str().unwrap(), asset[1].as_str().unwrap(), asset[2].as_str().unwrap()))
        .collect();
    for (from, ..) in assets.iter().filter(|(from, ..)| !from.starts_with("target/")) {
        assert!(top.join(from.split('*').next().unwrap()).exists(), "{from}");
    }
    links_lead_to_what_is_shipped(&assets);
    let settings = assets.iter().find(|(_, to, _)| *to == "etc/marketgate/marketgate.toml").unwrap();
    assert_eq!(settings.2, "640", "it may hold secrets");
    assert_eq!(package["conf-files"][0].as_str(), Some("/etc/marketgate/marketgate.toml"), "an upgrade asks before it");
    for (script, must_not) in
        [("postinst", " start"), ("postinst", "restart"), ("postrm", "rm "), ("postrm", "userdel")]
    {
        let text = text(&format!("debian/{script}"));
        let acts = text.lines().filter(|line| !line.starts_with('#'));
        assert!(acts.into_iter().all(|line| !line.contains(must_not)), "{script}: {text}");
    }
}
