//! The fuzz targets as plain functions: over the corpus, over what a small change makes of it, and over random bytes.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

#[path = "../../fuzz/targets.rs"]
mod targets;

use targets::TARGETS;

/// A file is cut at so many places, and as many of its bytes are changed.
const CHANGES: usize = 160;

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fuzz").join(name);
    let files = fs::read_dir(&place).unwrap_or_else(|_| panic!("no corpus for {name}"));
    files.map(|file| file.unwrap().path()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_target_holds_over_its_corpus_and_what_is_near_to_it() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(files.len() >= 4, "{name} has {} files", files.len());
        for (_, bytes) in files {
            target(&bytes);
            let step = (bytes.len() / CHANGES).max(1);
            for at in (0..bytes.len()).step_by(step) {
                target(&bytes[..at]);
                let mut changed = bytes.clone();
                for other in [0, b'"', b'%', b'\n', 0xff, bytes[at] ^ 0x20] {
                    changed[at] = other;
                    target(&changed);
                }
                changed.splice(at..at, *b"\xe2\x80\xae&=");
                target(&changed);
            }
        }
    }
}

#[test]
fn every_target_of_the_fuzzer_is_one_of_these() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(place.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let target = fs::read_to_string(place.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("targets::{name}(data)")) && manifest.contains(&format!("name = \"{name}\"")));
    }
    assert_eq!(fs::read_dir(place.join("fuzz_targets")).unwrap().count(), TARGETS.len());
}

proptest! {
    #[test]
    fn no_bytes_at_all_break_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,120}") {
        for (_, target) in TARGETS {
            target(&bytes);
            target(text.as_bytes());
        }
    }
}
