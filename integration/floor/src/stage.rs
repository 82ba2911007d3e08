//! The files that the cases act on, and the policy over them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};
use sevorix_bpf::floor::{Container, Enforcer, Mount, Registration};
use sevorix_policy::{Image, Policy, compile};

use crate::agent::Cgroup;
use crate::{Result, told};

/// The same tree once on a plain file system and once through an overlay, whose files lie in the lower layer.
pub const ROOTS: [&str; 2] = ["/var/floor/plain", "/var/floor/merged"];

const POLICY: &str = r#"
version = 1
[exec]
default  = "deny"
writable = "allow"
rules = [
  { path = "ROOT/bin/**",    action = "allow" },
  { path = "ROOT/bin/fatal", action = "kill" },
  { path = "ROOT/bin/inner/**", action = "deny" },
  { path = "/usr/lib/**",    action = "allow" },
  { path = "/lib64/**",      action = "allow" },
]
[exec.jit]
default = "deny"
[file]
default = "deny"
rules = [
  { path = "ROOT/free/**",          access = "rwc", action = "allow" },
  { path = "ROOT/bin/**",           access = "rwc", action = "allow" },
  { path = "ROOT/free/secret/**",   access = "rwc", action = "deny" },
  { path = "ROOT/free/frozen/**",   access = "wc",  action = "deny" },
  { path = "ROOT/free/flat/*",      access = "w",   action = "deny" },
  { path = "ROOT/free/trial/**",    access = "w",   action = "deny", audit = true },
  { path = "ROOT/free/held",        access = "r",   action = "ask" },
  { path = "ROOT/free/fatal",       access = "rw",  action = "kill" },
  { path = "ROOT/free/hooks/later", access = "c",   action = "deny" },
  { path = "/proc/**",              access = "rw",  action = "allow" },
  { path = "/sys/**",               access = "rw",  action = "allow" },
  { path = "/dev/null",             access = "rw",  action = "allow" },
  { path = "/usr/lib/**",           access = "r",   action = "allow" },
  { name = ".env",                  access = "r",   action = "deny" },
  { name = "*.pem",                 access = "r",   action = "deny" },
  { path = "/var/floor-outside",    access = "w",   action = "allow" },
]
[net]
default = "deny"
unix    = "any"
"#;

pub fn image(root: &str) -> Result<Image> {
    compiled(&POLICY.replace("ROOT", root))
}

pub fn compiled(text: &str) -> Result<Image> {
    Ok(compile(&parsed(text)?)?)
}

pub fn parsed(text: &str) -> Result<Policy> {
    let name = "floor".parse().map_err(|error| format!("{error:?}"))?;
    Policy::parse(name, "floor.toml", text).map_err(|error| format!("{error:?}").into())
}

/// A tree as the policy expects it, new.
pub fn make(root: &Path) -> Result<()> {
    const FOLDERS: [&str; 9] = [
        "free/secret",
        "free/frozen",
        "free/flat/deep",
        "free/trial",
        "free/hooks",
        "free/plain",
        "bin/inner",
        "other",
        "free/from",
    ];
    const FILES: [&str; 17] = [
        "free/file",
        "free/victim",
        "free/secret/file",
        "free/frozen/file",
        "free/flat/file",
        "free/flat/deep/file",
        "free/trial/file",
        "free/held",
        "free/fatal",
        "free/.env",
        "free/a.pem",
        "free/a.pem.txt",
        "free/xpem",
        "other/file",
        "free/plain/file",
        "free/plain/second",
        "free/from/file",
    ];
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder))?;
    }
    for file in FILES {
        fs::write(root.join(file), "content\n")?;
    }
    for program in [
        "bin/good",
        "bin/fatal",
        "bin/inner/bad",
        "free/program",
        "bin/gone",
    ] {
        copy_program("/bin/busybox", &root.join(program))?;
    }
    for (script, interpreter) in [("good-script", "bin/good"), ("bad-script", "bin/inner/bad")] {
        let path = root.join("bin").join(script);
        fs::write(
            &path,
            format!("#!{} true\n", root.join(interpreter).display()),
        )?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    }
    symlink(
        root.join("free/secret/file"),
        root.join("free/link-to-secret"),
    )?;
    symlink(root.join("free/file"), root.join("free/link-to-file"))?;
    attribute(&root.join("free/frozen/file"))
}

/// For the case that takes it away.
fn attribute(path: &Path) -> Result<()> {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: C strings and a value of the given length, all of which are only read.
    match unsafe {
        libc::setxattr(
            path.as_ptr(),
            c"user.floor".as_ptr(),
            c"x".as_ptr().cast(),
            1,
            0,
        )
    } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}

fn copy_program(from: &str, to: &Path) -> Result<()> {
    fs::copy(from, to)?;
    Ok(fs::set_permissions(to, Permissions::from_mode(0o755))?)
}

/// Both trees. What was there before is removed.
pub fn set_up() -> Result<()> {
    let base = Path::new("/var/floor");
    if base.exists() {
        // nothing is mounted there the first time
        Command::new("umount")
            .arg("-l")
            .arg(base.join("merged"))
            .status()?;
        fs::remove_dir_all(base)?;
    }
    for folder in ["lower", "upper", "work", "merged"] {
        fs::create_dir_all(base.join(folder))?;
    }
    make(Path::new(ROOTS[0]))?;
    make(&base.join("lower"))?;
    // the scripts and links of the lower layer name their own place: they are written again, through the overlay
    let options = "lowerdir=/var/floor/lower,upperdir=/var/floor/upper,workdir=/var/floor/work";
    mount(
        Some("overlay"),
        ROOTS[1],
        Some("overlay"),
        MsFlags::empty(),
        Some(options),
    )?;
    let merged = PathBuf::from(ROOTS[1]);
    for stale in [
        "bin/good-script",
        "bin/bad-script",
        "free/link-to-secret",
        "free/link-to-file",
    ] {
        let lower = base.join("lower").join(stale);
        let target = fs::read_link(&lower);
        let path = merged.join(stale);
        match target {
            Ok(target) => {
                fs::remove_file(&path)?;
                symlink(
                    target
                        .to_string_lossy()
                        .replace("/var/floor/lower", ROOTS[1]),
                    &path,
                )?;
            }
            Err(_) => fs::write(
                &path,
                fs::read_to_string(&path)?.replace("/var/floor/lower", ROOTS[1]),
            )?,
        }
    }
    Ok(())
}

/// A registered container over one of the trees.
pub struct Stage<'a> {
    pub enforcer: &'a Enforcer,
    pub container: Container,
    pub cgroup: Cgroup,
}

impl<'a> Stage<'a> {
    /// Of what this machine has mounted, only what a container would have.
    pub fn new(enforcer: &'a Enforcer, root: &str, image: &Image) -> Result<Self> {
        let cgroup = Cgroup::new("floor-cases")?;
        let mounts = mounts_of(root)?;
        let registration = Registration {
            cgroup: &cgroup.path,
            image,
            policy_id: image.policy_id(),
            mounts: &mounts,
            began: None,
            init: None,
        };
        let container = enforcer.register(&registration).map_err(told)?;
        Ok(Self {
            enforcer,
            container,
            cgroup,
        })
    }

    pub fn end(self) -> Result<()> {
        self.enforcer.release(self.container).map_err(told)
    }
}

fn mounts_of(root: &str) -> Result<Vec<Mount>> {
    let all = Mount::of_process(i32::try_from(std::process::id())?).map_err(told)?;
    let wanted = [root, "/", "/proc", "/sys", "/dev", "/sys/fs/cgroup"];
    let shown = |mount: &Mount| {
        let parts: Vec<_> = mount
            .point
            .iter()
            .map(|part| String::from_utf8_lossy(part))
            .collect();
        format!("/{}", parts.join("/"))
    };
    Ok(all
        .into_iter()
        .filter(|mount| wanted.contains(&shown(mount).as_str()))
        .collect())
}
