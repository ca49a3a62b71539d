//! The obvious way: each module of all plans by itself, each question to the file system by itself.

use super::super::*;

fn is_within(path: &Path, module: &Path) -> bool {
    path.parent() == Some(module)
}

/// What the plans have for each module below the directories of modules.
fn modules(places: &Places, claims: &Claims) -> HashMap<PathBuf, Vec<(PathBuf, Claim)>> {
    let sites: Vec<&Path> = places.sites().collect();
    let mut found: HashMap<PathBuf, Vec<(PathBuf, Claim)>> = HashMap::new();
    let among = claims.folders().filter(|at| sites.iter().any(|site| at.path().starts_with(site)));
    for folder in among {
        for (name, claim) in folder.files() {
            let path = folder.path().join(name);
            if let Some(module) = module::imported_as(&path) {
                found.entry(module).or_default().push((path, claim));
            }
        }
    }
    // Of several, the first by its path is told.
    found.values_mut().for_each(|files| files.sort_by(|(one, _), (other, _)| one.cmp(other)));
    found
}

/// Where distributions of one run have different files for one module: those files, and one of another that stands.
pub(super) fn among_plans(places: &Places, claims: &Claims) -> Vec<Shadow> {
    let mut found = Vec::new();
    for mut files in modules(places, claims).into_values().filter(|files| files.len() > 1) {
        // Who does not give way comes first, so that the one that stands is found before those that go.
        files.sort_by_key(|(path, claim)| (claim.gives_way, claim.package().to_owned(), path.clone()));
        let mut standing: Vec<&(PathBuf, Claim)> = Vec::new();
        for one in &files {
            let (path, claim) = one;
            match standing.iter().find(|(_, other)| !have_one_in_common(claim, other)) {
                Some((other, _)) => found.push(Shadow {
                    file: path.clone(),
                    package: claim.package().to_owned(),
                    gives_way: claim.gives_way,
                    other: other.clone(),
                }),
                None => standing.push(one),
            }
        }
    }
    found.sort();
    found
}

/// Where a distribution of the run has a file for a module, and another has modules in a folder of its name that is no
/// package.
pub(super) fn hidden_among_plans(places: &Places, claims: &Claims) -> Vec<Shadow> {
    let mut found = Vec::new();
    for (module, files) in modules(places, claims) {
        if claims.folder(&module).is_none() || files.iter().any(|(path, _)| is_within(path, &module)) {
            continue;
        }
        let below = claims.folders().filter(|folder| folder.path().starts_with(&module));
        let below = below
            .flat_map(|folder| folder.files().map(move |(name, claim)| (folder.path().join(name), claim)));
        let mut below: Vec<_> = below.filter(|(path, _)| module::imported_as(path).is_some()).collect();
        below.sort_by_key(|(path, claim)| (claim.gives_way, path.clone()));
        for (file, claim) in &files {
            for (other, hidden) in below.iter().filter(|(_, hidden)| !have_one_in_common(claim, hidden)) {
                let (one, other) = if !claim.gives_way && hidden.gives_way {
                    ((other, hidden), file)
                } else {
                    ((file, claim), other)
                };
                found.push(Shadow {
                    file: one.0.clone(),
                    package: one.1.package().to_owned(),
                    gives_way: one.1.gives_way,
                    other: other.clone(),
                });
                if !one.1.gives_way || one.0 == file {
                    break;
                }
            }
        }
    }
    found
}

/// The same for what is there, but for the files in `going`.
pub(super) fn of_what_is_there(places: &Places, claims: &Claims, going: &BTreeSet<PathBuf>) -> Vec<Shadow> {
    let mut listed: BTreeMap<PathBuf, HashMap<PathBuf, Vec<PathBuf>>> = BTreeMap::new();
    let mut found = Vec::new();
    for (module, files) in modules(places, claims) {
        let Some(directory) = module.parent() else { continue };
        let beside = listed.entry(directory.to_owned()).or_insert_with(|| importable(places, directory));
        let mut others = beside.get(&module).cloned().unwrap_or_default();
        // Few directories are there already; those that are not have nothing in them.
        if is_directory(&places.real().join(&module)) {
            let inside = listed.entry(module.clone()).or_insert_with(|| importable(places, &module));
            others.extend(inside.get(&module).into_iter().flatten().cloned());
        }
        others.retain(|other| !going.contains(other) && !files.iter().any(|(path, _)| path == other));
        let Some(other) = others.into_iter().min() else { continue };
        found.extend(files.into_iter().map(|(file, claim)| Shadow {
            file,
            package: claim.package().to_owned(),
            gives_way: claim.gives_way,
            other: other.clone(),
        }));
    }
    found.extend(Hiding { places, claims, going, listed }.all());
    found.sort();
    found.dedup();
    found
}

/// A file for a module, and a folder of its name that is no package: one of them comes, the other is there.
struct Hiding<'h> {
    places: &'h Places,
    claims: &'h Claims,
    going: &'h BTreeSet<PathBuf>,
    listed: BTreeMap<PathBuf, HashMap<PathBuf, Vec<PathBuf>>>,
}

impl Hiding<'_> {
    fn all(mut self) -> Vec<Shadow> {
        let modules = modules(self.places, self.claims);
        let packages: BTreeSet<&PathBuf> = modules
            .iter()
            .filter(|(module, files)| files.iter().any(|(path, _)| is_within(path, module)))
            .map(|(module, _)| module)
            .collect();
        let sites: Vec<PathBuf> = self.places.sites().map(Path::to_owned).collect();
        let mut found = Vec::new();
        for (module, files) in modules.iter().filter(|(module, _)| !packages.contains(module)) {
            let Some((file, claim)) = files.first() else { continue };
            let is_there = is_directory(&self.places.real().join(module)) && !self.is_package(module);
            let other = is_there.then(|| self.hidden(module)).flatten();
            found.extend(other.map(|other| shadow(file, claim, other)));
            let site = sites.iter().find(|site| file.starts_with(site));
            let Some((site, above)) = site.zip(file.parent()) else { continue };
            let above = above.ancestors().take_while(|at| at.starts_with(site) && at != site);
            for at in above.filter(|at| !packages.contains(&at.to_path_buf())) {
                let other = self.beside(at).filter(|_| !self.is_package(at));
                found.extend(other.map(|other| shadow(file, claim, other)));
            }
        }
        found
    }

    fn importable(&mut self, directory: &Path) -> &HashMap<PathBuf, Vec<PathBuf>> {
        let places = self.places;
        self.listed.entry(directory.to_owned()).or_insert_with(|| importable(places, directory))
    }

    fn stays(&self, path: &Path) -> bool {
        !self.going.contains(path) && self.claims.package_of(path).is_empty()
    }

    /// Whether what is there makes a directory a package.
    fn is_package(&mut self, directory: &Path) -> bool {
        let files = self.importable(directory).get(directory).cloned().unwrap_or_default();
        files.iter().any(|path| self.stays(path))
    }

    /// The file that stands for a module of this name beside a directory.
    fn beside(&mut self, directory: &Path) -> Option<PathBuf> {
        let files = self.importable(directory.parent()?).get(directory).cloned().unwrap_or_default();
        files.into_iter().find(|path| !is_within(path, directory) && self.stays(path))
    }

    /// The first module that is there in a directory, or below.
    fn hidden(&mut self, directory: &Path) -> Option<PathBuf> {
        let mut open = vec![directory.to_owned()];
        while let Some(at) = open.pop() {
            let mut files: Vec<PathBuf> = self.importable(&at).values().flatten().cloned().collect();
            files.sort();
            if let Some(file) = files.into_iter().find(|path| self.stays(path)) {
                return Some(file);
            }
            let below = self.places.real().join(&at).read_dir().into_iter().flatten().flatten();
            let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            let mut below: Vec<PathBuf> = below.map(|entry| at.join(entry.file_name())).collect();
            below.sort_by(|one, other| other.cmp(one));
            open.extend(below.into_iter().filter(|at| is_directory(&self.places.real().join(at))));
        }
        None
    }
}

/// The files of a directory that can be imported, by their module; links to files too.
fn importable(places: &Places, directory: &Path) -> HashMap<PathBuf, Vec<PathBuf>> {
    let mut found: HashMap<PathBuf, Vec<PathBuf>> = HashMap::new();
    let at = places.real().join(directory);
    for entry in at.read_dir().into_iter().flatten().flatten() {
        let path = directory.join(entry.file_name());
        if let Some(module) = module::imported_as(&path)
            && places.real().join(&path).is_file()
        {
            found.entry(module).or_default().push(path);
        }
    }
    found
}
