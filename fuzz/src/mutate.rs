//! A mutator of wheels: changes the content of one file and makes all else right again, so that the readers of METADATA,
//! WHEEL, RECORD and entry_points.txt are reached through the archive.

use super::oracle::zip_crate;
use super::recipe::{DIST_INFO, record};
use super::zips::{Member, Zip};

/// Changes the first `size` bytes of `data` by what `inner` (the engine's own mutator) does to a file in it; returns the new
/// size. `None` where it is no archive, or the new one does not fit.
pub fn wheel(
    data: &mut [u8],
    size: usize,
    seed: u32,
    inner: impl Fn(&mut [u8], usize, usize) -> usize,
) -> Option<usize> {
    let mut files: Vec<(String, Vec<u8>)> = zip_crate(data.get(..size)?).ok()?.into_iter().collect();
    let picked = (seed >> 8) as usize % files.len().max(1);
    let (name, content) = files.get_mut(picked)?;
    let before = content.len();
    content.resize(before + 64, 0);
    let after = inner(content, before, before + 64);
    content.truncate(after);
    let record_name = format!("{DIST_INFO}/RECORD");
    let is_record = *name == record_name;
    let mut members: Vec<(Member, Vec<u8>)> = Vec::new();
    for (at, (name, content)) in files.into_iter().enumerate() {
        if name != record_name || is_record {
            let deflated = at == picked && seed & 2 == 2;
            let member =
                if deflated { Member::deflated(name, &content) } else { Member::stored(name, &content) };
            members.push((member, content));
        }
    }
    if !is_record {
        let text = record(&members);
        members.push((Member::stored(record_name, &text), text));
    }
    let zip = Zip { members: members.into_iter().map(|(member, _)| member).collect(), ..Zip::default() };
    let bytes = zip.bytes();
    data.get_mut(..bytes.len())?.copy_from_slice(&bytes);
    Some(bytes.len())
}
