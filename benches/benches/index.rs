//! How fast index pages and METADATA are read.

use divan::counter::{BytesCount, ItemsCount};
use pipward::index::{PageForm, read_page};
use pipward::wheel::metadata::Metadata;
use url::Url;

fn main() {
    divan::main();
}

#[divan::bench(args = [10, 300, 3000])]
fn page_json(bencher: divan::Bencher, files: usize) {
    let body = pipward_benches::page(files);
    let url = Url::parse("https://index.example.org/simple/project/").expect("an address");
    let name = "project".parse().expect("a name");
    bencher
        .counter(ItemsCount::new(files))
        .counter(BytesCount::new(body.len()))
        .bench(|| read_page(PageForm::Json, body.as_bytes(), &url, &name).expect("the page is sound"));
}

#[divan::bench(args = [0, 20, 200])]
fn metadata(bencher: divan::Bencher, requirements: usize) {
    let text = pipward_benches::metadata(requirements);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| Metadata::parse(text.as_bytes()).expect("the metadata is sound"));
}
