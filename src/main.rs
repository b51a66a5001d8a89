//! The `marketgate` command. All of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    marketgate::cli::run()
}
