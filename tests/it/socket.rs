//! `<database>.sock` (rules D1): commands reach the process that holds the file, and nobody else reaches it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::cli::{KEY, can_give_away, configure, marketgate, says};
use crate::world::{PATIENCE, World};

fn database(world: &World) -> PathBuf {
    PathBuf::from(world.ready["database"].as_str().unwrap())
}

pub fn socket_of(database: &Path) -> PathBuf {
    PathBuf::from(format!("{}.sock", database.display()))
}

fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What is answered to one line.
pub fn tell(path: &Path, line: &[u8]) -> Value {
    let mut stream = connect(path);
    // A server that has heard enough does not wait for the rest.
    let _cut = stream.write_all(line);
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no answer but {answer:?}"))
}

fn list(database: &Path) -> (Option<i32>, String) {
    says(marketgate(&["api-key", "list", "--database", database.to_str().unwrap()]))
}

#[test]
fn a_command_reaches_the_process_that_holds_the_file_and_the_file_itself_when_none_does() {
    let place = tempfile::tempdir().unwrap();
    let file = configure(place.path(), "https://gate.example.com", KEY);
    let database = place.path().join("gate.db");
    let directly = || says(marketgate(&["api-key", "list", "--config", &file]));
    let (code, text) = directly();
    assert!(code == Some(1) && text.contains("marketgate init"), "without a master key: {text}");
    assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(0));
    assert_eq!(directly(), (Some(0), "no keys yet\n".to_owned()), "before the first start");
    assert!(!socket_of(&database).exists());

    let world = World::on(&database);
    // The file alone is enough to know, because another process carries it out.
    let (code, text) = list(&database);
    assert!(code == Some(0) && text.contains("demo") && text.contains("usage:write"), "{text}");
    assert!(!text.contains(world.ready["api_key"].as_str().unwrap()), "never a secret: {text}");
    let pong = tell(&socket_of(&database), b"{\"command\":\"ping\"}\n");
    assert_eq!(pong["done"]["is_serving"], true, "{pong}");
    world.terminate();
    assert!(!socket_of(&database).exists(), "it goes with its process");
    let (code, text) = directly();
    assert!(code == Some(0) && text.contains("demo"), "what was written stayed: {text}");
}

#[test]
fn the_socket_is_its_owners_alone_and_a_dead_ones_is_replaced() {
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("gate.db");
    let path = socket_of(&database);
    let world = World::on(&database);
    let found = std::fs::metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    world.kill();
    assert!(path.exists() && UnixStream::connect(&path).is_err(), "left behind by a power cut");
    let world = World::on(&database);
    assert!(UnixStream::connect(&path).is_ok(), "replaced");
    assert_eq!(list(&database).0, Some(0));
    world.terminate();
    // Something else under its name is left alone; the gateway serves without commands.
    std::fs::write(&path, "precious").unwrap();
    let world = World::on(&database);
    let (code, text) = list(&database);
    assert!(code == Some(1) && text.contains("is not the socket"), "{text}");
    world.terminate();
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn a_socket_whose_mode_was_opened_still_answers_its_owner_only() {
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("gate.db");
    let path = socket_of(&database);
    let _world = World::on(&database);
    // Only root can become somebody else to try.
    if !can_give_away(&path) {
        return;
    }
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let stranger = |path: &Path| {
        let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ntry:\n s.sendall(b'{\"command\":\"ping\"}\\n')\nexcept BrokenPipeError:\n pass\nprint(s.makefile().readline())";
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script]).arg(path);
        says(command)
    };
    let (code, text) = stranger(&path);
    assert!(code == Some(1) && text.contains("PermissionError"), "{text}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let (code, text) = stranger(&path);
    assert!(code == Some(0) && text.contains("from the owner") && !text.contains("is_serving"), "{text}");
    assert_eq!(list(&database).0, Some(0), "and its owner is still served");
}

#[test]
fn nonsense_is_answered_in_words_and_who_says_nothing_keeps_nobody_waiting() {
    let world = World::start();
    let path = socket_of(&database(&world));
    for nonsense in
        [&b"\n"[..], b"{}\n", b"{\"command\":\"explode\"}\n", b"{\"command\":\"ping\",\"more\":1}\n", b"\xff\xfe\n"]
    {
        let answer = tell(&path, nonsense);
        assert!(answer["failed"].as_str().unwrap().contains("another version"), "{answer}");
    }
    let answer = tell(&path, &vec![b'x'; 2 * 1024 * 1024]);
    assert!(answer["failed"].as_str().unwrap().contains("too long"), "{answer}");
    // Half a request, and silence: the others are served meanwhile, and the silent are cut off.
    let mut silent: Vec<UnixStream> = (0..4).map(|_| connect(&path)).collect();
    silent[0].write_all(b"{\"command\":").unwrap();
    let started = Instant::now();
    assert_eq!(tell(&path, b"{\"command\":\"ping\"}\n")["done"]["is_serving"], true);
    assert!(started.elapsed().as_secs() < 2, "nobody waited for the silent");
    for stream in &mut silent {
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "cut off");
    }
}
