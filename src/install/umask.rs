//! What the system does to the permission bits of new files.
//!
//! Owns: the umask of this process, and whether a file system keeps the bits that it leaves. Never: changes a file.

use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::Mode;

/// File systems that show bits of their own making: `statfs` magics of FAT, exFAT, NTFS (two drivers), FUSE, 9P, SMB (two
/// versions) and virtiofs' shared folders.
const WITHOUT_MODES: [u64; 9] = [
    0x4d44,
    0x2011_bab0,
    0x5346_544e,
    0x7366_746e,
    0x6573_5546,
    0x0102_1997,
    0xff53_4d42,
    0xfe53_4d42,
    0x6a65_6a63,
];

/// The umask of this process.
pub fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(|| told().unwrap_or_else(asked))
}

/// As the system tells it (Linux 4.7), without a change.
fn told() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let text = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(text.trim(), 8).ok()
}

/// As it is asked where there is no /proc: by a change, and one back.
fn asked() -> u32 {
    let mask = rustix::process::umask(Mode::from_bits_truncate(0o077));
    rustix::process::umask(mask);
    mask.bits()
}

/// The umask where files in `directory` have the bits that it leaves; nothing where the file system has its own, or a
/// default access control list decides.
pub fn umask_in(directory: &Path) -> Option<u32> {
    let magic = rustix::fs::statfs(directory).map_or(0, |found| found.f_type.cast_unsigned() & 0xffff_ffff);
    let has_list = rustix::fs::getxattr(directory, "system.posix_acl_default", &mut [0_u8; 0]).is_ok();
    (!WITHOUT_MODES.contains(&magic) && !has_list).then(umask)
}
