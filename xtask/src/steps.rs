//! The steps of `cargo xtask test`, and the commands each is made of.

use crate::{runner, summary::Tally, workspace};
use std::{env, ffi::OsString, path::PathBuf, process::Command, thread};

/// One thing that must hold before a change goes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Format,
    Clippy,
    Doc,
    Test,
    Doctest,
    Browser,
}

/// What the set-up found or started for the steps.
pub struct Setting {
    /// The throw-away cluster, where a step needs one.
    pub postgres_url: Option<String>,
}

/// Clippy's compiler in the place of the plain one, for the packages of this workspace: what it lints it also builds, so
/// that tests and lints take one pass over the code and not two.
const LINTING: [(&str, &str); 2] = [
    ("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"),
    ("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__"),
];

/// The tests that need the built program and Chromium beside them: left out of `--tests` by their manifest, and named here.
const FLOWS: &str = "--test client --test flows";

impl Step {
    /// Quick to fail first, once the lints have built everything.
    pub const ALL: [Step; 6] = [
        Step::Format,
        Step::Clippy,
        Step::Doc,
        Step::Test,
        Step::Doctest,
        Step::Browser,
    ];

    pub fn named(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Step::Format => "format",
            Step::Clippy => "clippy",
            Step::Doc => "doc",
            Step::Test => "test",
            Step::Doctest => "doctest",
            Step::Browser => "browser",
        }
    }

    pub fn purpose(self) -> &'static str {
        match self {
            Step::Format => "the code is laid out as rustfmt lays it out",
            Step::Clippy => "everything builds, with no warning from the compiler or from clippy",
            Step::Doc => "the documentation builds, and its links lead somewhere",
            Step::Test => "every test, on both database engines",
            Step::Doctest => "the examples in the documentation hold",
            Step::Browser => "the pages in real Chromium",
        }
    }

    pub fn needs_postgres(self) -> bool {
        matches!(self, Step::Test)
    }

    pub fn needs_chromium(self) -> bool {
        matches!(self, Step::Browser)
    }

    /// Runs the step's commands, up to the first that fails.
    pub fn run(self, setting: &Setting) -> (bool, Tally) {
        let mut tally = Tally::default();
        let passed = self
            .commands(setting)
            .into_iter()
            .all(|command| runner::run(command, &mut tally));
        if !passed && tally.failed == 0 {
            // Nothing was counted as failed, yet the step failed (it did not compile, say): the sum must not look clean.
            tally.failed = 1;
        }
        (passed, tally)
    }

    /// All select the whole workspace: another selection has other features of shared crates, and builds them anew.
    fn commands(self, setting: &Setting) -> Vec<Command> {
        let mut commands = match self {
            Step::Format => vec![cargo("fmt --all --check")],
            Step::Clippy => vec![
                cargo("test --workspace --locked --no-run --lib --bins --tests --examples"),
                cargo(&format!("test --workspace --locked --no-run {FLOWS}")),
            ],
            Step::Doc => vec![cargo("doc --workspace --no-deps --locked")],
            // Cargo's own runner: the tests of one file share one running program.
            Step::Test => vec![cargo(
                "test --workspace --locked --no-fail-fast --lib --bins --tests",
            )],
            Step::Doctest => vec![cargo("test --workspace --locked --no-fail-fast --doc")],
            Step::Browser => vec![
                // The program comes with the tests that start it, and is the one they ran with.
                cargo("test --workspace --locked --no-run --test it"),
                cargo(&format!("test --workspace --locked --no-fail-fast {FLOWS}")),
            ],
        };
        for command in &mut commands {
            self.surround(command, setting);
        }
        commands
    }

    fn surround(self, command: &mut Command, setting: &Setting) {
        command.current_dir(workspace());
        // Here a test that lacks its database or its browser fails; elsewhere it may say that it was skipped.
        command.env("SESSHU_TEST_REQUIRE", "all");
        if let Some(url) = &setting.postgres_url {
            command.env("SESSHU_TEST_POSTGRES", url);
        }
        if matches!(
            self,
            Step::Clippy | Step::Test | Step::Doctest | Step::Browser
        ) {
            command.envs(LINTING);
        }
        if self == Step::Doc {
            command.env("RUSTDOCFLAGS", "-D warnings");
        }
        if self == Step::Test {
            // Most of them wait for a disk or a database more than they compute: two for each core. A browser is not
            // so patient.
            let cores = thread::available_parallelism().map_or(1, usize::from);
            command.env("RUST_TEST_THREADS", (2 * cores).to_string());
        }
        if self == Step::Browser {
            command.env("SESSHU_BINARY", program());
        }
    }
}

/// The names of all steps with their purposes, for the help.
pub fn list() -> String {
    Step::ALL
        .iter()
        .map(|step| format!("  {:<9} {}\n", step.name(), step.purpose()))
        .collect()
}

/// The cargo that runs us, so that all steps use one toolchain; without what it told us of our own package: build
/// scripts that look at those variables would run again, and half the crates be built again, whenever a step and
/// somebody's own `cargo test` take turns.
pub fn cargo(words: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(words.split(' '));
    for (name, _) in env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// `sesshu` as the dev profile builds it: beside this very program, whatever the target folder is called.
fn program() -> PathBuf {
    let own = env::current_exe().unwrap_or_default();
    own.with_file_name("sesshu")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_found_by_its_name() {
        for step in Step::ALL {
            assert_eq!(Step::named(step.name()), Some(step));
        }
    }

    #[test]
    fn the_flows_run_in_their_own_step_only() {
        let setting = Setting { postgres_url: None };
        let mentions = |step: Step| {
            let words: Vec<String> = step
                .commands(&setting)
                .iter()
                .map(|command| format!("{command:?}"))
                .collect();
            words.join("\n")
        };
        assert!(!mentions(Step::Test).contains(r#""flows""#));
        assert!(mentions(Step::Browser).contains(r#""--test" "flows""#));
        assert!(mentions(Step::Clippy).contains(r#""--test" "flows""#));
    }

    /// Else the step that runs the tests builds everything once more, by the other compiler.
    #[test]
    fn what_is_linted_is_what_is_run() {
        let setting = Setting { postgres_url: None };
        for step in [Step::Clippy, Step::Test, Step::Doctest, Step::Browser] {
            for command in step.commands(&setting) {
                let compiler = command
                    .get_envs()
                    .find(|(name, _)| *name == "RUSTC_WORKSPACE_WRAPPER");
                assert!(compiler.is_some(), "{}: {command:?}", step.name());
            }
        }
    }

    /// The words are between clippy's two programs and might change: a lint that only warns would then go by unseen.
    #[test]
    fn a_warning_fails() {
        let folder = env::temp_dir().join(format!("sesshu-lint-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let lints = |name: &str, source: &str| {
            let file = folder.join(name);
            std::fs::write(&file, source).unwrap();
            Command::new("clippy-driver")
                .args(["--crate-type", "lib", "--emit", "metadata", "--out-dir"])
                .arg(&folder)
                .arg(&file)
                .envs(LINTING)
                .output()
                .unwrap()
                .status
                .success()
        };
        assert!(lints(
            "clean.rs",
            "pub fn none(v: &[u8]) -> bool { v.is_empty() }"
        ));
        assert!(!lints(
            "clippy.rs",
            "pub fn none(v: &[u8]) -> bool { v.len() == 0 }"
        ));
        assert!(!lints("compiler.rs", "fn never_called() {}"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn tests_may_not_skip_what_they_need() {
        let setting = Setting {
            postgres_url: Some("postgres://somewhere".into()),
        };
        let command = Step::Test.commands(&setting).pop().unwrap();
        let surroundings: Vec<_> = command.get_envs().collect();
        assert!(surroundings.contains(&("SESSHU_TEST_REQUIRE".as_ref(), Some("all".as_ref()))));
        assert!(surroundings.contains(&(
            "SESSHU_TEST_POSTGRES".as_ref(),
            Some("postgres://somewhere".as_ref())
        )));
    }
}
