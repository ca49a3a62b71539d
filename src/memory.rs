//! Memory that the system has back when it is no longer needed.
//!
//! Owns: all unsafe code of this crate: mapping an unnamed file, giving its pages back, the allocator and one option of it.
//! Never: maps a file that has a name, or that anybody else has open.

#[cfg(target_os = "linux")]
mod program;

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_long;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file without a name: no other user, and no path, leads to it.
pub(crate) struct Unnamed(File);

/// Its bytes, once all were written.
pub(crate) struct Mapped {
    map: memmap2::Mmap,
    file: File,
    /// How many bytes were read, or made of what was read, since its pages were last given back.
    read: AtomicUsize,
}

/// A file that is not mapped any more, nor will be: it may have a name, and others may write to it then.
pub(crate) struct Whole(File);

impl Whole {
    /// Gives it a name on its own file system, at which nothing stands.
    #[cfg(target_os = "linux")]
    pub(crate) fn link(&self, path: &Path) -> io::Result<()> {
        use rustix::fs::{AtFlags, CWD, linkat};
        use std::os::fd::AsRawFd as _;
        let own = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        Ok(linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }

    /// Gives it a name on its own file system, at which nothing stands.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn link(&self, _path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// By what a file system tells files apart.
    #[cfg(test)]
    pub(crate) fn inode(&self) -> u64 {
        use std::os::unix::fs::MetadataExt as _;
        self.0.metadata().map_or(0, |found| found.ino())
    }

    /// Writes all of it to another file.
    pub(crate) fn copy(&mut self, into: &mut File) -> io::Result<()> {
        use std::io::Seek as _;
        self.0.rewind()?;
        io::copy(&mut self.0, into).map(|_| ())
    }
}

/// A new file without a name, in the file system of a directory. `None` where that has none.
pub(crate) fn without_name(directory: &Path) -> Option<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Mode, OFlags, open};
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        open(directory, flags, Mode::RUSR | Mode::WUSR).ok().map(File::from)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = directory;
        None
    }
}

/// So many bytes are read of a mapping before its pages are given back.
const GIVE_BACK: usize = 512 << 10;

impl Unnamed {
    /// In `directory` if it exists, else in the temporary directory.
    pub(crate) fn new(directory: Option<&Path>) -> io::Result<Self> {
        let temporary = std::env::temp_dir();
        let places = directory.into_iter().chain([temporary.as_path()]);
        if let Some(file) = places.filter_map(without_name).next() {
            return Ok(Self(file));
        }
        // Not every file system has unnamed files. This one is made for its owner alone and unlinked at once.
        match directory.map(tempfile::tempfile_in) {
            Some(Ok(file)) => Ok(Self(file)),
            _ => tempfile::tempfile().map(Self),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// The first bytes that were written, once more in a file of the temporary directory.
    pub(crate) fn again(mut self, length: u64) -> io::Result<Self> {
        use std::io::{Read as _, Seek as _};
        let mut other = Self::new(None)?;
        self.0.rewind()?;
        if io::copy(&mut self.0.take(length), &mut other.0)? != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(other)
    }

    /// What was written.
    #[allow(unsafe_code)]
    pub(crate) fn map(self) -> io::Result<Mapped> {
        // SAFETY: a mapping is undefined behaviour to read while another writes to the file or shortens
        // it. The file has no name, its descriptor never leaves this module, whose only writer is consumed here, and it is
        // opened close-on-exec, so no other code or process can write to it. Processes of the same user
        // could reach it through /proc; they could as well write to this process's memory.
        // Reason for the mapping: a wheel of a gigabyte must not need a gigabyte of memory.
        let map = unsafe { memmap2::Mmap::map(&self.0)? };
        Ok(Mapped { map, file: self.0, read: AtomicUsize::new(0) })
    }
}

impl Mapped {
    /// The file, once nobody reads the mapping any more.
    pub(crate) fn into_whole(self) -> Whole {
        Whole(self.file)
    }

    /// Tells that so many bytes were read, or made of what was read. Pages that are asked for again come from the file, so
    /// that a large wheel takes no more memory than what is worked on.
    #[allow(unsafe_code)]
    pub(crate) fn was_read(&self, bytes: usize) {
        if self.read.fetch_add(bytes, Ordering::Relaxed) < GIVE_BACK {
            return;
        }
        self.read.store(0, Ordering::Relaxed);
        // SAFETY: MADV_DONTNEED is unchecked for what it does to private mappings, whose changed pages it throws away. This
        // one is shared and read-only: whoever reads it, also just now, finds the same bytes, which come from the file, and
        // nobody can change that (see `map`). That it is not heeded anywhere costs memory and nothing else.
        let _ = unsafe { self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    }
}

impl std::ops::Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

/// Room in pages of its own, all zero, which the system has back when it goes. (An allocator keeps blocks of such sizes for the
/// thread that made them, whoever frees them.) No page of it takes memory before it is written to.
pub(crate) enum Buffer {
    Pages(memmap2::MmapMut),
    /// Where there are no pages to be had.
    Block(Vec<u8>),
}

impl Buffer {
    /// So many bytes.
    pub(crate) fn new(size: usize) -> Self {
        memmap2::MmapMut::map_anon(size).map_or_else(|_| Self::Block(vec![0; size]), Self::Pages)
    }
}

impl std::ops::Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Pages(pages) => pages,
            Self::Block(block) => block,
        }
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Pages(pages) => pages,
            Self::Block(block) => block,
        }
    }
}

/// mimalloc, asked for an alignment only where its blocks might not have it.
///
/// Asked for one it takes a longer way to most sizes that are no power of two, and more room: 2 to 3 % of the instructions of
/// a lock.
pub struct Allocator;

/// Every block begins at a multiple of a word: blocks of one size, which is rounded up to whole words, stand side by side from
/// a place that has more.
const OF_BLOCKS: usize = align_of::<usize>();

// SAFETY: each function is mimalloc's own of the same contract: it gives a block of that size or null, and frees or moves what
// it gave, by whichever of its functions that was. Blocks are aligned to a word by themselves; other alignments are asked for.
// None unwinds.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= OF_BLOCKS {
            unsafe { libmimalloc_sys::mi_malloc(layout.size()).cast() }
        } else {
            unsafe { libmimalloc_sys::mi_malloc_aligned(layout.size(), layout.align()).cast() }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= OF_BLOCKS {
            unsafe { libmimalloc_sys::mi_zalloc(layout.size()).cast() }
        } else {
            unsafe { libmimalloc_sys::mi_zalloc_aligned(layout.size(), layout.align()).cast() }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        unsafe { libmimalloc_sys::mi_free(block.cast()) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= OF_BLOCKS {
            unsafe { libmimalloc_sys::mi_realloc(block.cast(), size).cast() }
        } else {
            unsafe { libmimalloc_sys::mi_realloc_aligned(block.cast(), size, layout.align()).cast() }
        }
    }
}

/// `mi_option_purge_delay` of mimalloc 3 (`enum mi_option_e`), which libmimalloc-sys gives no name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// In milliseconds; mimalloc's own is 1000. A run is short, and frees wheels on other threads than those that fetched
/// them: an install of 97 wheels took 90 MB with that, and 63 MB with 1, in the same time.
const DELAY: c_long = 1;

/// Lets the allocator give back soon what is free. `MIMALLOC_PURGE_DELAY` says otherwise.
pub(crate) fn give_back_soon() {
    set(PURGE_DELAY, DELAY);
}

/// Lets the allocator give back at once what is free: while much is unpacked, the application of benches/README.md takes two MiB less
/// by it. It is a hundredth of the time there, and three where wheels are tiny.
pub(crate) fn give_back_at_once() {
    set(PURGE_DELAY, 0);
}

/// `mi_option_page_full_retain` of it: how many pages of each size a thread keeps that nothing is in, of 512 KiB and more for
/// blocks above 8 KiB. It is 2 by itself.
const PAGES_KEPT: libmimalloc_sys::mi_option_t = 36;

/// Lets no thread keep pages that nothing is in. An install takes a MiB less by it, and neither more instructions nor more
/// pages; a lock would take an eighth more of them. `MIMALLOC_PAGE_FULL_RETAIN` says otherwise.
pub(crate) fn keep_no_pages() {
    set(PAGES_KEPT, 0);
}

/// Gives back what this thread has freed and the allocator keeps for its next requests: at least a page of each size, some of
/// them large. It takes some microseconds, so it is for when much was freed.
#[allow(unsafe_code)]
pub(crate) fn give_back() {
    // SAFETY: it may be called at any time, by any thread, and touches no block that is in use.
    unsafe { libmimalloc_sys::mi_collect(true) };
}

/// The same of this thread and of all that share its work.
pub(crate) fn give_back_everywhere() {
    give_back();
    rayon::broadcast(|_| give_back());
}

/// Gives back the pages of the program itself and of its libraries. Those that are asked for again are those of their files,
/// which the system still has. It maps sixteen for each that is, so that what ran once keeps far more than itself: after the
/// start of an install 15 MiB of 25.
pub(crate) fn give_back_program() {
    #[cfg(target_os = "linux")]
    if let Ok(smaps) = std::fs::read_to_string("/proc/self/smaps") {
        let own: fn() = give_back_program;
        program::unchanged(&smaps, (own as *const ()).addr()).into_iter().for_each(give_back_part);
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn give_back_part(part: std::ops::Range<usize>) {
    use rustix::mm::{Advice, madvise};
    let start = std::ptr::with_exposed_provenance_mut(part.start);
    // SAFETY: MADV_DONTNEED throws away pages that were changed, and there are none: nobody may write to this mapping, and the
    // system has said that each page of it is its file's. Whoever reads it, also just now, finds the same bytes. It is of the
    // file that this function is run from, or of a library that is loaded with it, so that nothing else comes into its place.
    let _ = unsafe { madvise(start, part.len(), Advice::LinuxDontNeed) };
}

#[allow(unsafe_code)]
fn set(option: libmimalloc_sys::mi_option_t, number: c_long) {
    // SAFETY: the function writes one number of mimalloc's table of options, whose place is in bounds, and may be called
    // at any time. Were the place another option's, a number would be wrong and no memory.
    unsafe { libmimalloc_sys::mi_option_set_default(option, number) };
}

/// The same while a lock is made, in milliseconds. It reads many small things, and asks at once for room like that which it
/// just freed. With 100 a cold lock of 476 packages takes 10 % less CPU, and jupyter's more memory than another locker.
const PATIENCE: c_long = 30;

/// While it lives, the allocator waits a little before it gives back what is free.
pub(crate) struct Patience(());

impl Patience {
    pub(crate) fn new() -> Self {
        set(PURGE_DELAY, PATIENCE);
        Self(())
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        set(PURGE_DELAY, DELAY);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_named_is_the_file_itself() {
        use std::os::unix::fs::MetadataExt as _;
        let directory = tempfile::tempdir().unwrap();
        let mut file = super::Unnamed::new(Some(directory.path())).unwrap();
        file.write(b"wheel").unwrap();
        let file = file.map().unwrap().into_whole();
        let path = directory.path().join("named");
        file.link(&path).unwrap();
        assert_eq!(path.metadata().unwrap().ino(), file.0.metadata().unwrap().ino());
        assert_eq!(std::fs::read(&path).unwrap(), b"wheel");
        assert!(file.link(&path).is_err(), "nothing is replaced");
    }

    #[test]
    fn what_was_given_back_is_read_again() {
        let bytes: Vec<u8> = (0..3 * super::GIVE_BACK).map(|at| (at % 251) as u8).collect();
        let mut file = super::Unnamed::new(None).unwrap();
        file.write(&bytes).unwrap();
        let mapped = file.map().unwrap();
        for piece in bytes.chunks(1000) {
            mapped.was_read(piece.len());
        }
        for _ in 0..3 {
            assert!(*mapped == *bytes);
            mapped.was_read(usize::MAX >> 1);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_program_runs_on_once_its_pages_are_given_back() {
        // The third number: pages of files.
        let mapped = || {
            let numbers = std::fs::read_to_string("/proc/self/statm").unwrap();
            numbers.split(' ').nth(2).unwrap().parse::<usize>().unwrap()
        };
        let before = mapped();
        super::give_back_program();
        let after = mapped();
        assert!(after < before, "{before} {after}");
        assert_eq!(format!("{:?}", "1.5".parse::<f64>()), "Ok(1.5)");
    }

    /// So that an update of mimalloc whose blocks are aligned otherwise is seen.
    #[test]
    #[allow(unsafe_code)]
    fn blocks_are_aligned_as_asked() {
        use std::alloc::{GlobalAlloc as _, Layout};
        let allocator = super::Allocator;
        for align in (0..8).map(|power| 1 << power) {
            // Blocks stay until all of a size are there, so that several of a page are seen.
            for size in (1..300).chain([511, 1000, 4097, 20_001, 70_000, 1 << 20]) {
                let layout = Layout::from_size_align(size, align).unwrap();
                let grown = Layout::from_size_align(size * 2 + 1, align).unwrap();
                // SAFETY: no size is zero, and each block is given back once, with the layout that it has by then.
                unsafe {
                    let mut blocks: Vec<*mut u8> = (0..3).map(|_| allocator.alloc(layout)).collect();
                    blocks.extend((0..3).map(|_| allocator.alloc_zeroed(layout)));
                    assert!(
                        blocks.iter().all(|block| block.addr() != 0 && block.addr() % align == 0),
                        "{layout:?}"
                    );
                    assert!(
                        blocks[3..].iter().all(|&block| (0..size).all(|at| *block.add(at) == 0)),
                        "{layout:?}"
                    );
                    for block in blocks {
                        block.write_bytes(7, size);
                        let block = allocator.realloc(block, layout, grown.size());
                        assert!(
                            block.addr() % align == 0 && (0..size).all(|at| *block.add(at) == 7),
                            "{grown:?}"
                        );
                        allocator.dealloc(block, grown);
                    }
                }
            }
        }
    }

    /// So that an update of mimalloc which renumbers its options is seen.
    #[test]
    #[allow(unsafe_code)]
    fn the_options_are_those_that_are_meant() {
        // SAFETY: as above; it only reads.
        let before = unsafe { libmimalloc_sys::mi_option_get(super::PURGE_DELAY) };
        assert!([1000, super::DELAY, super::PATIENCE, 0].contains(&before), "{before}");
        // SAFETY: as above; it only reads.
        let before = unsafe { libmimalloc_sys::mi_option_get(super::PAGES_KEPT) };
        assert!([2, 0].contains(&before), "{before}");
        super::give_back_soon();
    }
}
