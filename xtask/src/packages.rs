//! What the tests need of the machine, and how it gets there.

use crate::{
    postgres,
    steps::{Step, cargo},
};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Something a step cannot do without.
struct Need {
    what: &'static str,
    debian_package: &'static str,
    is_here: fn() -> bool,
}

const CHROMIUM: Need = Need {
    what: "Chromium (or Google Chrome, or the path of one in $CHROMIUM)",
    debian_package: "chromium",
    is_here: chromium_is_here,
};

const POSTGRES: Need = Need {
    what: "the PostgreSQL server programs (initdb, pg_ctl)",
    debian_package: "postgresql",
    is_here: || postgres::programs().is_some(),
};

const SQLITE: Need = Need {
    what: "sqlite3, whose own loader an import is measured against",
    debian_package: "sqlite3",
    is_here: || in_path("sqlite3").is_some(),
};

const POPPLER: Need = Need {
    what: "poppler's pdftoppm, which draws our PDFs independently of us",
    debian_package: "poppler-utils",
    is_here: || in_path("pdftoppm").is_some(),
};

const ZBAR: Need = Need {
    what: "zbar's zbarimg, which reads the codes on our PDFs independently of us",
    debian_package: "zbar-tools",
    is_here: || in_path("zbarimg").is_some(),
};

const TESSERACT: Need = Need {
    what: "Tesseract, which our reader of coupons is held against",
    debian_package: "tesseract-ocr",
    is_here: || in_path("tesseract").is_some(),
};

/// Debian's own compiler, newer than the one of its release since its browsers need it.
pub const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

const WASM_COMPILER: Need = Need {
    what: "the target wasm32-unknown-unknown (`rustup target add wasm32-unknown-unknown`), or Debian's rustc-web",
    debian_package: "rustc-web",
    is_here: || is_program(Path::new(DEBIAN_RUSTC)),
};

const WASM_SOURCES: Need = Need {
    what: "the sources of that compiler's standard library",
    debian_package: "rust-web-src",
    is_here: || Path::new("/usr/lib/rustlib/src/rust/library/Cargo.lock").is_file(),
};

const WASM_LINKER: Need = Need {
    what: "lld, the linker for WebAssembly",
    debian_package: "lld-22",
    is_here: || debian_linker().is_some(),
};

/// Debian's linker; its version is in its name.
pub fn debian_linker() -> Option<PathBuf> {
    ["lld-22", "lld-21", "lld-20", "lld-19"]
        .into_iter()
        .find_map(in_path)
}

/// What builds WebAssembly where the toolchain cannot.
pub fn provide_wasm() -> Result<(), String> {
    provide_packages(vec![WASM_COMPILER, WASM_SOURCES, WASM_LINKER])
}

/// Sees that everything the steps need is here: installs it where that is ours to do, else says what to install.
pub fn provide(steps: &[Step]) -> Result<(), String> {
    provide_toolchain(steps)?;
    let mut needs = Vec::new();
    if steps.iter().any(|step| step.needs_chromium()) {
        needs.push(CHROMIUM);
    }
    if steps.iter().any(|step| step.needs_postgres()) {
        needs.extend([POSTGRES, POPPLER, ZBAR]);
    }
    provide_packages(needs)
}

/// The engines' own programs, for the benchmarks.
pub fn provide_engines() -> Result<(), String> {
    provide_packages(vec![POSTGRES, SQLITE])
}

/// What the reader of coupons is held against.
pub fn provide_tesseract() -> Result<(), String> {
    provide_packages(vec![TESSERACT])
}

fn provide_packages(mut needs: Vec<Need>) -> Result<(), String> {
    needs.retain(|need| !(need.is_here)());
    if needs.is_empty() {
        return Ok(());
    }
    if is_root() && in_path("apt-get").is_some() {
        install(&needs)?;
        needs.retain(|need| !(need.is_here)());
    }
    if needs.is_empty() {
        Ok(())
    } else {
        Err(what_to_install(&needs))
    }
}

fn install(needs: &[Need]) -> Result<(), String> {
    let packages: Vec<&str> = needs.iter().map(|need| need.debian_package).collect();
    eprintln!("installing with apt-get: {}", packages.join(" "));
    apt_get(&["update", "--quiet"])?;
    apt_get(
        &[
            ["install", "--yes", "--quiet", "--no-install-recommends"].as_slice(),
            &packages,
        ]
        .concat(),
    )
}

fn apt_get(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    // Standard output belongs to the steps; what apt-get tells is for the one who wonders why it takes so long.
    command.stdout(std::io::stderr());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "`apt-get {}` failed ({status}); see above why.",
            arguments.join(" ")
        )),
        Err(error) => Err(format!(
            "`apt-get {}` could not be started: {error}",
            arguments.join(" ")
        )),
    }
}

fn what_to_install(needs: &[Need]) -> String {
    let mut text = "These are missing, and installing them is yours to do:\n".to_owned();
    for need in needs {
        text.push_str(&format!("  {}\n", need.what));
    }
    let packages: Vec<&str> = needs.iter().map(|need| need.debian_package).collect();
    text.push_str(&format!(
        "On Debian or Ubuntu: sudo apt-get install {}",
        packages.join(" ")
    ));
    text
}

/// rustfmt and clippy come with most toolchains, but not with the minimal one.
fn provide_toolchain(steps: &[Step]) -> Result<(), String> {
    for (step, probe, component) in [
        (Step::Format, "fmt --version", "rustfmt"),
        (Step::Clippy, "clippy --version", "clippy"),
    ] {
        if !steps.contains(&step) || succeeds(cargo(probe)) {
            continue;
        }
        let mut rustup = Command::new("rustup");
        rustup.args(["component", "add", component]);
        if !succeeds(rustup) {
            return Err(format!(
                "`{component}` is missing from the Rust toolchain. Install it: rustup component add {component}"
            ));
        }
    }
    Ok(())
}

fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The same places that the browser flows look in.
fn chromium_is_here() -> bool {
    env::var_os("CHROMIUM").is_some()
        || ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .any(|name| in_path(name).is_some())
}

/// Whether we may install, and whether PostgreSQL would refuse to run as us.
pub fn is_root() -> bool {
    let told = Command::new("id").arg("-u").output();
    told.is_ok_and(|told| told.stdout.trim_ascii() == b"0")
}

/// Where a program lies in `$PATH`.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| is_program(file))
}

/// A file that may be executed.
pub fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let text = what_to_install(&[CHROMIUM, POSTGRES]);
        assert!(text.contains("initdb"), "{text}");
        assert!(
            text.ends_with("sudo apt-get install chromium postgresql"),
            "{text}"
        );
    }

    #[test]
    fn programs_are_found_in_the_path_and_nothing_else() {
        assert!(in_path("sh").is_some());
        assert!(in_path("no-such-program-anywhere").is_none());
        assert!(!is_program(Path::new("/etc/passwd")));
    }
}
