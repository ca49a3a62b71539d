//! `pipward lab`.

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Outcome;
use super::render::Printer;
use crate::error::{Code, Problem, Problems};
use crate::lab::{Bench, Played, SCENARIOS, Scenario, Step, Who};
use crate::python::{self, PythonRequest};

/// Arguments of `pipward lab`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward lab                        list the scenarios
  pipward lab dependency-confusion   watch one
  pipward lab all --json             all of them, for programs

Everything happens in a temporary folder and on 127.0.0.1, and is gone afterwards; the payloads leave a mark in that folder and do
nothing else. Where the Python at hand has pip, it is run too; else it is told what it would have done.")]
pub(crate) struct LabArgs {
    /// The scenario, or `all`; without one, they are listed
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The Python to install for, and whose pip is shown
    #[arg(long, value_name = "PYTHON")]
    python: Option<String>,
}

pub(super) fn run(arguments: &LabArgs, printer: &Printer) -> Outcome {
    let Some(name) = &arguments.name else {
        list(printer);
        return Ok(0);
    };
    let chosen: Vec<&Scenario> = match name.as_str() {
        "all" => SCENARIOS.iter().collect(),
        name => vec![Scenario::named(name).ok_or_else(|| {
            Problem::new(Code::Usage, "there is no scenario of this name")
                .found(name)
                .help("list them with `pipward lab`")
        })?],
    };
    let bench = bench(arguments)?;
    let mut all = Vec::new();
    for scenario in chosen {
        let played = scenario.play(&bench)?;
        show(scenario, &played, printer);
        all.push(document(scenario, Some(&played)));
    }
    printer.document(&json!({ "ok": true, "exit": 0, "scenarios": all }));
    Ok(0)
}

fn bench(arguments: &LabArgs) -> Result<Bench, Problems> {
    let wish = arguments.python.as_ref().map_or(PythonRequest::Any, |text| PythonRequest::parse(text));
    let python = python::find(&wish, None)?.executable.clone();
    Ok(Bench { python, now: Timestamp::now() })
}

fn list(printer: &Printer) {
    for scenario in SCENARIOS {
        printer.say(&format!("{:22}{}", scenario.name, scenario.title));
    }
    printer.say("");
    printer.say("Watch one with `pipward lab NAME`, or all with `pipward lab all`.");
    let all: Vec<Value> = SCENARIOS.iter().map(|scenario| document(scenario, None)).collect();
    printer.document(&json!({ "scenarios": all }));
}

fn show(scenario: &Scenario, played: &Played, printer: &Printer) {
    printer.say(&format!("== {}: {}", scenario.name, scenario.title));
    printer.say(&format!("   It happened: {}", scenario.happened));
    printer.say("");
    for step in &played.steps {
        match step.who {
            Who::Story => printer.say(&format!("-- {}", step.what)),
            Who::Pip | Who::Pipward => {
                printer.say(&format!("$ {}", step.what));
                step.said.lines().for_each(|line| printer.say(&format!("    {line}")));
                if let Some(exit) = step.exit.filter(|exit| *exit != 0) {
                    printer.say(&format!("    (exit code {exit})"));
                }
            }
        }
    }
    printer.say("");
    printer.say(&format!("=> pip: {}", plain(scenario, played)));
    let codes: Vec<&str> = played.codes.iter().map(|code| code.name()).collect();
    printer.say(&format!("=> pipward: {}. Nothing of the payload ran.", codes.join(", ")));
    if let Some(code) = codes.first() {
        printer.say(&format!("   Why: pipward explain {code}"));
    }
    printer.say("");
}

/// What pip did, or would have done.
fn plain(scenario: &Scenario, played: &Played) -> String {
    match played.ran_with_pip {
        Some(true) => format!("the payload ran. {}", scenario.plain),
        Some(false) => format!("the payload did not run this time. {}", scenario.plain),
        None => format!("(not run here) {}", scenario.plain),
    }
}

fn document(scenario: &Scenario, played: Option<&Played>) -> Value {
    let step = |step: &Step| {
        let who = match step.who {
            Who::Story => "story",
            Who::Pip => "pip",
            Who::Pipward => "pipward",
        };
        json!({ "who": who, "what": step.what, "exit": step.exit, "said": step.said })
    };
    let mut document = json!({
        "name": scenario.name, "title": scenario.title, "happened": scenario.happened, "plain": scenario.plain,
    });
    if let (Some(played), Some(object)) = (played, document.as_object_mut()) {
        let codes: Vec<&str> = played.codes.iter().map(|code| code.name()).collect();
        object.insert("steps".into(), played.steps.iter().map(step).collect());
        object.insert("payload_ran_with_pip".into(), json!(played.ran_with_pip));
        object.insert("codes".into(), json!(codes));
    }
    document
}
