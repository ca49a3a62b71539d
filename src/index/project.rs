//! One project, put together from all places that were asked for it.
//!
//! Pure. Owns: the rule that a name comes from one index, what find-links add, and what a cutoff hides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pipward_resolver::moment::WAITING_HOURS;
use pipward_resolver::{
    CandidateWheel, Candidates, PackageName, Release, Releases, Shelf, TooNew, UploadTime, Version, WheelName,
};

use super::http::place;
use super::packed::{Page, PageRelease, PageWheel};
use super::page::{Address, FileName, Marks, PageFile};
use super::registry::Registry;
use super::waiting::Waiting;
use crate::digest::Sha256;
use crate::error::{Code, Problem};

/// A project: its files, and what the resolver is told of them.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) files: Files,
    pub(crate) candidates: Arc<Candidates>,
    /// The indexes (by position) with files that have no upload time, where a cutoff would want one.
    pub(crate) undated: Vec<usize>,
    /// The index that it comes from, and what that says of it.
    pub(crate) index: Option<usize>,
    pub(crate) marks: Marks,
}

/// The files of a project.
#[derive(Debug)]
pub(crate) enum Files {
    /// Those of one page, read when they are asked for.
    Page(usize, Arc<Page>),
    /// Those of an index and find-links, by release, in the order of their names.
    Listed(BTreeMap<Version, Vec<Offered>>),
}

/// A file and who offers it.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) file: Arc<PageFile>,
    /// The position of the index; `None` for find-links.
    pub(crate) index: Option<usize>,
}

/// What a cutoff hides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cutoff {
    /// Files uploaded later are too new.
    pub(crate) time: Option<Timestamp>,
    /// The user named it, so that a file without an upload time is too new as well.
    pub(crate) explicit: bool,
    /// How long files wait where no cutoff is named.
    pub(crate) age: SignedDuration,
    /// Files do not wait, so nobody need know when they were uploaded.
    pub(crate) is_off: bool,
}

impl Project {
    pub(crate) fn find(&self, wheel: &WheelName) -> Option<Offered> {
        match &self.files {
            Files::Page(index, page) => page.wheel(wheel).map(|file| offered(*index, file)),
            listed @ Files::Listed(_) => listed.named(wheel.as_str()),
        }
    }
}

impl Files {
    fn listed(files: impl IntoIterator<Item = Offered>) -> Self {
        let mut releases: BTreeMap<Version, Vec<Offered>> = BTreeMap::new();
        for offered in files {
            releases.entry(offered.file.name.version().clone()).or_default().push(offered);
        }
        Self::Listed(releases)
    }

    /// The file of a name.
    pub(crate) fn named(&self, name: &str) -> Option<Offered> {
        match self {
            Self::Page(index, page) => page.find(name).map(|file| offered(*index, file)),
            Self::Listed(releases) => {
                releases.values().flatten().find(|offered| offered.file.name.as_str() == name).cloned()
            }
        }
    }

    /// Where the provenance of the file of a name is.
    pub(crate) fn provenance(&self, name: &str) -> Option<Address> {
        match self {
            Self::Page(_, page) => page.provenance(name),
            Self::Listed(_) => self.named(name)?.file.provenance.clone(),
        }
    }

    /// The files of a release, in the order of their names.
    pub(crate) fn of(&self, version: &Version) -> Vec<Offered> {
        match self {
            Self::Page(index, page) => {
                let files = page.release(version).into_iter().flat_map(PageRelease::files);
                files.map(|file| offered(*index, file)).collect()
            }
            Self::Listed(releases) => releases.get(version).cloned().unwrap_or_default(),
        }
    }

    /// Whether somebody vouches for a file of a release.
    pub(crate) fn has_provenance(&self, version: &Version) -> bool {
        match self {
            Self::Page(_, page) => page.release(version).is_some_and(PageRelease::has_provenance),
            Self::Listed(releases) => releases.get(version).is_some_and(|files| is_proven(files)),
        }
    }

    /// The versions of releases of which somebody vouches for a file, oldest first. Those of others are not read.
    pub(crate) fn proven(&self) -> impl DoubleEndedIterator<Item = &Version> {
        let (page, listed) = match self {
            Self::Page(_, page) => (Some(page.releases().filter(|it| it.has_provenance())), None),
            Self::Listed(releases) => (None, Some(releases.iter().filter(|(_, files)| is_proven(files)))),
        };
        let page = page.into_iter().flatten().filter_map(PageRelease::version);
        page.chain(listed.into_iter().flatten().map(|(version, _)| version))
    }

    /// The versions, oldest first.
    pub(crate) fn versions(&self) -> impl DoubleEndedIterator<Item = &Version> {
        let (page, listed) = match self {
            Self::Page(_, page) => (Some(page.releases().filter_map(PageRelease::version)), None),
            Self::Listed(releases) => (None, Some(releases.keys())),
        };
        page.into_iter().flatten().chain(listed.into_iter().flatten())
    }
}

fn is_proven(files: &[Offered]) -> bool {
    files.iter().any(|offered| offered.file.provenance.is_some())
}

fn offered(index: usize, file: PageFile) -> Offered {
    Offered { file: Arc::new(file), index: Some(index) }
}

/// Puts a project together. `pages` has what each index answered (`None`: it does not have the
/// project), `links` what find-links offer, with the SHA-256 of a local file where it is known.
///
/// # Errors
/// `index-conflict`.
pub(crate) fn merge(
    name: &PackageName,
    registry: &Registry,
    pages: &[Option<Arc<Page>>],
    links: &[(Arc<PageFile>, Option<Sha256>)],
    waiting: &Waiting,
) -> Result<Project, Problem> {
    let known = !links.is_empty() || pages.iter().any(Option::is_some);
    let chosen = one_index(name, registry, pages)?;
    let files = match chosen {
        Some((index, page)) if links.is_empty() => Files::Page(index, Arc::clone(page)),
        _ => {
            let own = chosen
                .into_iter()
                .flat_map(|(index, page)| page.files().into_iter().map(move |file| offered(index, file)));
            Files::listed(with_links(name, own.collect(), links)?)
        }
    };
    let index = chosen.map(|(index, _)| index);
    let source = index.and_then(|at| registry.indexes.get(at)).map(|known| &known.source);
    let (candidates, undated) = candidates(known, &files, waiting.of(name, source));
    let marks = chosen.map(|(_, page)| page.marks.clone()).unwrap_or_default();
    Ok(Project { files, candidates: Arc::new(candidates), undated, index, marks })
}

/// What find-links add to the files of an index. All are in the order of their names.
fn with_links(
    name: &PackageName,
    files: Vec<Offered>,
    links: &[(Arc<PageFile>, Option<Sha256>)],
) -> Result<Vec<Offered>, Problem> {
    let own: Vec<(Arc<PageFile>, Offered)> =
        files.into_iter().map(|offered| (Arc::clone(&offered.file), offered)).collect();
    let mut files: BTreeMap<&str, Offered> =
        own.iter().map(|(file, offered)| (file.name.as_str(), offered.clone())).collect();
    for (link, computed) in links {
        let sha256 = computed.or(link.sha256);
        let add = match files.get(link.name.as_str()).map(|offered| (offered.index, offered.file.sha256)) {
            // Of several find-links, the first. Of one on this machine and an index's, that of this machine.
            None | Some((Some(_), None)) => true,
            Some((_, Some(theirs))) => match sha256 {
                Some(ours) if ours != theirs => return Err(two_contents(name, link, ours, theirs)),
                Some(_) => true,
                None => false,
            },
            Some((None, None)) => false,
        };
        if add {
            let mut file = (**link).clone();
            file.sha256 = sha256;
            files.insert(link.name.as_str(), Offered { file: Arc::new(file), index: None });
        }
    }
    Ok(files.into_values().collect())
}

/// The one index that a name comes from: the first that has it, if all that have it agree.
///
/// "A name that no pattern pins is looked for on all of them, and two indexes that offer it with
/// different files are an error": taking the newer of two would let whoever registers a private
/// name on a public index put his code into the lock (CVE-2018-20225).
fn one_index<'a>(
    name: &PackageName,
    registry: &Registry,
    pages: &'a [Option<Arc<Page>>],
) -> Result<Option<(usize, &'a Arc<Page>)>, Problem> {
    let with_files = |page: &&'a Arc<Page>| !page.is_empty();
    let mut have =
        pages.iter().enumerate().filter_map(|(at, page)| Some((at, page.as_ref().filter(with_files)?)));
    let Some((first, page)) = have.next() else { return Ok(None) };
    let mut have = have.peekable();
    if have.peek().is_none() {
        return Ok(Some((first, page)));
    }
    let listed = |page: &'a Page| -> BTreeMap<&'a str, Option<Sha256>> { page.names().collect() };
    let ours = listed(page);
    for (other, their_page) in have {
        let theirs = listed(their_page);
        // Without a SHA-256 nobody can tell that two files are the same.
        let differs = |(file, sha256): &(&&str, &Option<Sha256>), other: &BTreeMap<&str, Option<Sha256>>| {
            sha256.is_none() || other.get(**file) != Some(sha256)
        };
        let example = ours
            .iter()
            .find(|file| differs(file, &theirs))
            .or_else(|| theirs.iter().find(|file| differs(file, &ours)));
        if let Some((file, _)) = example {
            let address = |at: usize| registry.url(at).map_or_else(String::new, |url| place(url).to_string());
            return Err(Problem::new(Code::IndexConflict, "two indexes offer this name with different files")
                .package(name)
                .expected("one index that has the name, or the same files on each")
                .found(format!("{} and {}; {file} is not the same on both", address(first), address(other)))
                .help(format!(
                    "say in pipward.toml which index the name belongs to: packages = [\"{name}\"] in its [[index]]"
                )));
        }
    }
    Ok(Some((first, page)))
}

fn two_contents(name: &PackageName, link: &PageFile, ours: Sha256, theirs: Sha256) -> Problem {
    let file = link.name.as_str();
    let problem = Problem::new(
        Code::IndexConflict,
        format!("--find-links and an index offer {file} with different content"),
    );
    let problem = match &link.address {
        Address::Path(path) => problem.at(crate::error::Place::file(path)),
        Address::Web(_) => problem,
    };
    problem
        .package(name)
        .expected(format!("sha256 {theirs}, as on the index"))
        .found(format!("sha256 {ours}"))
        .help("delete the file from the find-links directory, or give it another version if it is your own build")
}

fn candidates(known: bool, files: &Files, cutoff: Cutoff) -> (Candidates, Vec<usize>) {
    match files {
        Files::Page(index, page) => {
            let shelf = Arc::new(PageShelf { page: Arc::clone(page), cutoff });
            let undated = page.has_undated && cutoff.time.is_some() && !cutoff.is_off;
            let undated = if undated { vec![*index] } else { Vec::new() };
            (Candidates { known, releases: Releases::on(shelf) }, undated)
        }
        Files::Listed(listed) => {
            let mut undated = BTreeSet::new();
            let mut releases = BTreeMap::new();
            for (version, files) in listed {
                let mut release = Release::default();
                let mut wheels = Vec::new();
                for Offered { file, index } in files {
                    let FileName::Wheel(wheel) = &file.name else {
                        release.has_sdist = true;
                        release.new_sdist = cutoff.of(file);
                        continue;
                    };
                    let is_undated = file.upload_time.is_none() && matches!(file.address, Address::Web(_));
                    if cutoff.time.is_some() && !cutoff.is_off && is_undated {
                        undated.extend(*index);
                    }
                    wheels.push(cutoff.candidate(wheel.clone(), file));
                }
                release.wheels = wheels.into();
                releases.insert(version.clone(), release);
            }
            (Candidates { known, releases: releases.into() }, undated.into_iter().collect())
        }
    }
}

/// The releases of a page.
struct PageShelf {
    page: Arc<Page>,
    cutoff: Cutoff,
}

impl Shelf for PageShelf {
    fn count(&self) -> usize {
        self.page.count()
    }

    fn version(&self, at: usize) -> Option<&Version> {
        self.page.version(at)
    }

    fn has_sdist(&self, at: usize) -> bool {
        self.page.release_at(at).is_some_and(PageRelease::has_sdist)
    }

    fn new_sdist(&self, at: usize) -> Option<TooNew> {
        let (uploaded, is_web) = self.page.release_at(at)?.sdist()?;
        self.cutoff.judge(uploaded, is_web)
    }

    fn wheels(&self, at: usize) -> Vec<CandidateWheel> {
        let wheels = self.page.release_at(at).into_iter().flat_map(PageRelease::wheels);
        wheels.map(|wheel| self.cutoff.judged(wheel)).collect()
    }
}

impl Cutoff {
    fn candidate(self, wheel: WheelName, file: &PageFile) -> CandidateWheel {
        CandidateWheel {
            name: wheel,
            requires_python: file.requires_python.clone(),
            yanked: file.yanked.clone(),
            too_new: self.of(file),
        }
    }

    fn judged(self, wheel: PageWheel) -> CandidateWheel {
        let PageWheel { name, upload_time, is_web, requires_python, yanked } = wheel;
        CandidateWheel { name, requires_python, yanked, too_new: self.judge(upload_time, is_web) }
    }

    /// Why a file is too new, where it is.
    fn of(self, file: &PageFile) -> Option<TooNew> {
        self.judge(file.upload_time, matches!(file.address, Address::Web(_)))
    }

    /// A file on this machine was put there by the user, and needs no time.
    fn judge(self, uploaded: Option<Timestamp>, is_web: bool) -> Option<TooNew> {
        let at = self.time?;
        match uploaded {
            Some(uploaded) => (uploaded > at).then(|| too_new(uploaded, self.age)),
            None => (is_web && self.explicit).then_some(TooNew::Undated),
        }
    }
}

/// What is told of a file that was uploaded after the cutoff. A part of a second counts as a whole one.
pub(crate) fn too_new(uploaded: Timestamp, age: SignedDuration) -> TooNew {
    let part = i64::from(uploaded.subsec_nanosecond() > 0);
    let uploaded = UploadTime(uploaded.as_second().saturating_add(part));
    let hours = age.as_secs().saturating_add(3599) / 3600;
    if hours == WAITING_HOURS { TooNew::Uploaded(uploaded) } else { TooNew::Waiting(uploaded, hours) }
}

#[cfg(test)]
mod tests {
    use super::super::packed::PageBuilder;
    use super::super::page::Advertised;
    use super::super::registry::{Instead, Known};
    use super::*;

    const NEW: &str = "2024-01-02T00:00:00Z";

    fn file(name: &str, content: Option<&str>, uploaded: Option<&str>) -> Arc<PageFile> {
        Arc::new(PageFile {
            name: FileName::parse(name, None).unwrap(),
            address: Address::Web(format!("https://h/{name}").into()),
            sha256: content.map(|content| Sha256::of(content.as_bytes())),
            size: None,
            upload_time: uploaded.map(|time| time.parse().unwrap()),
            requires_python: None,
            yanked: None,
            metadata: Advertised::No,
            provenance: None,
        })
    }

    fn page(files: &[(&str, Option<&str>)]) -> Option<Arc<Page>> {
        let base = url::Url::parse("https://h/").unwrap();
        let mut builder = PageBuilder::new(&base);
        files.iter().for_each(|(name, content)| builder.add(&file(name, *content, None), None));
        Some(Arc::new(builder.finish().unwrap()))
    }

    fn registry(pages: &[Option<Arc<Page>>]) -> Registry {
        let known = |at: usize| {
            let url = url::Url::parse(&format!("https://i{at}/simple/")).unwrap();
            Known { source: url.clone().into(), url, mirror: None, is_mirror: false }
        };
        let indexes = (0..pages.len()).map(known).collect();
        Registry { indexes, file_hosts: Vec::new(), instead: Instead::Nothing }
    }

    fn check(
        pages: &[Option<Arc<Page>>],
        links: &[(Arc<PageFile>, Option<Sha256>)],
    ) -> Result<Vec<(String, Option<usize>)>, Code> {
        let project = merge(&"a".parse().unwrap(), &registry(pages), pages, links, &Waiting::default());
        project
            .map(|p| {
                let files = p.files.versions().flat_map(|version| p.files.of(version));
                files.map(|o| (o.file.name.as_str().to_owned(), o.index)).collect()
            })
            .map_err(|problem| problem.code())
    }

    const ONE: &str = "a-1-py3-none-any.whl";
    const TWO: &str = "a-2-py3-none-any.whl";

    #[test]
    fn a_name_comes_from_one_index() {
        let one = page(&[(ONE, Some("x"))]);
        let from = |index| Ok(vec![(ONE.to_owned(), index)]);
        assert_eq!(check(&[None, one.clone()], &[]), from(Some(1)));
        assert_eq!(check(&[one.clone(), None], &[]), from(Some(0)));
        assert_eq!(check(&[one.clone(), one.clone()], &[]), from(Some(0)));
        assert_eq!(check(&[page(&[]), one.clone()], &[]), from(Some(1)));
        for other in [
            page(&[(ONE, Some("y"))]),
            page(&[(TWO, Some("x"))]),
            page(&[(ONE, Some("x")), (TWO, Some("x"))]),
            page(&[(ONE, None)]),
        ] {
            assert_eq!(check(&[one.clone(), other.clone()], &[]), Err(Code::IndexConflict));
            assert_eq!(check(&[other, one.clone()], &[]), Err(Code::IndexConflict));
        }
        let unhashed = page(&[(ONE, None)]);
        assert_eq!(check(&[unhashed.clone(), unhashed], &[]), Err(Code::IndexConflict));
    }

    #[test]
    fn find_links_stand_beside_an_index() {
        let sha = |content: &str| Some(Sha256::of(content.as_bytes()));
        let link = |name: &str, content: &str| (file(name, None, None), sha(content));
        let hashed = page(&[(ONE, Some("x"))]);
        let unhashed = page(&[(ONE, None)]);
        let listed = |files: &[(&str, Option<usize>)]| {
            Ok(files.iter().map(|(name, index)| ((*name).to_owned(), *index)).collect())
        };
        assert_eq!(
            check(std::slice::from_ref(&hashed), &[link(TWO, "z")]),
            listed(&[(ONE, Some(0)), (TWO, None)])
        );
        assert_eq!(check(std::slice::from_ref(&hashed), &[link(ONE, "x")]), listed(&[(ONE, None)]));
        assert_eq!(check(std::slice::from_ref(&hashed), &[link(ONE, "y")]), Err(Code::IndexConflict));
        assert_eq!(check(&[unhashed], &[link(ONE, "y")]), listed(&[(ONE, None)]));
        assert_eq!(check(&[hashed], &[(file(ONE, None, None), None)]), listed(&[(ONE, Some(0))]));
        assert_eq!(check(&[], &[link(ONE, "y")]), listed(&[(ONE, None)]));
    }

    #[test]
    fn a_cutoff_hides_what_is_newer() {
        let check = |uploaded: Option<&str>, explicit: bool, local: bool| {
            let mut file = (*file(ONE, None, uploaded)).clone();
            if local {
                file.address = Address::Path("/x".into());
            }
            let files = Files::listed([offered(0, file)]);
            let cutoff = Cutoff {
                time: Some("2024-01-01T00:00:00Z".parse().unwrap()),
                explicit,
                age: SignedDuration::ZERO,
                is_off: false,
            };
            let (candidates, undated) = candidates(true, &files, cutoff);
            (candidates.releases.at(0).unwrap().wheels[0].too_new.is_some(), undated)
        };
        assert_eq!(check(Some(NEW), false, false), (true, vec![]));
        assert_eq!(check(Some("2024-01-01T00:00:00Z"), true, false), (false, vec![]));
        assert_eq!(check(None, false, false), (false, vec![0]));
        assert_eq!(check(None, true, false), (true, vec![0]));
        assert_eq!(check(None, true, true), (false, vec![]));
    }

    #[test]
    fn an_unknown_name_is_unknown() {
        let known = |pages: &[Option<Arc<Page>>]| {
            let waiting = Waiting::default();
            merge(&"a".parse().unwrap(), &registry(pages), pages, &[], &waiting).unwrap().candidates.known
        };
        assert!(!known(&[None, None]));
        assert!(known(&[None, page(&[])]));
    }
}
