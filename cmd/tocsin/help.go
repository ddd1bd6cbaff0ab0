package main

// The examples that `--help` of each subcommand ends with. A test parses every
// one of them, so that none goes out of date.

func (scanCmd) Help() string {
	return `Reads EVTX, event XML, and the JSON that winlogbeat, Elastic Agent, NXLog, Velociraptor, evtx_dump and others write, packed or not. The form is told from the content, not from the name.

Examples:

    tocsin scan Logs/                        all shipped strategies over a folder
    tocsin scan Security.evtx Sysmon.evtx    over two files
    tocsin scan --strategies my/ Logs/       your own strategies instead
    tocsin scan -o ndjson Logs/ > alerts.ndjson
    tocsin scan --since 2026-03-01 --host ws5 --min-severity medium Logs/
    zcat export.json.gz | tocsin scan        from a pipe

Status: 0 ran to the end, alerts or not; 1 alerts, with --exit-code; 2 bad use, a rule that does not compile (the others ran), input that is missing or of no known form; 130 interrupted, what was found until then is printed.`
}

func (queryCmd) Help() string {
	return `The answer is the one that Elasticsearch's EQL search would give over the same documents.

Examples:

    tocsin query 'process where process.name : "psexe*"' Logs/
    tocsin query 'sequence by host.id with maxspan=1m [process where event.type == "start"] [network where true]' Logs/
    tocsin query @hunt.eql -o json Logs/     the query from a file, the answer as JSON
    tocsin query 'any where event.code == "7045" | tail 3' System.evtx`
}

func (NormalizeCmd) Help() string {
	return `One ECS event a line, the form that rules are written for.

Examples:

    tocsin normalize Security.evtx > events.ndjson
    tocsin normalize --native Security.evtx  with process identities made up, as scan does`
}

func (validateCmd) Help() string {
	return `Each strategy brings recordings that must alert and ones that must not. Both are played through the whole line. Status 1 if a proof fails.

Examples:

    tocsin validate                          all shipped strategies
    tocsin validate my/                      your own
    tocsin validate -o junit my/ > report.xml
    tocsin validate --evasions psexec-and-its-clones`
}

func (SimulateCmd) Help() string {
	return `Nothing in it was recorded anywhere. The same seed and start give the same bytes.

Examples:

    tocsin simulate --list                   what can be played
    tocsin simulate psexec | tocsin scan
    tocsin simulate psexec --source all -o telemetry/
    tocsin simulate --hosts 400 --duration 24h --ordinary 0.2 --noise 0.5 dll-hijack`
}

func (demoCmd) Help() string {
	return `Needs no file and writes none.

Examples:

    tocsin demo
    tocsin demo --lang vi
    tocsin demo -o ndjson`
}

func (strategyListCmd) Help() string {
	return `Examples:

    tocsin strategy list                     what is shipped
    tocsin strategy list -o json my/`
}

func (strategyShowCmd) Help() string {
	return `Examples:

    tocsin strategy show psexec-and-its-clones
    tocsin strategy show --lang vi psexec-and-its-clones
    tocsin strategy show -o markdown psexec-and-its-clones > mine.md`
}

func (strategyLintCmd) Help() string {
	return `Status 1 if there are errors. Each finding names file, line and column and ends with the name of its check.

Examples:

    tocsin strategy lint my/`
}

func (strategyFmtCmd) Help() string {
	return `All but the rules stays as it is, their comments too.

Examples:

    tocsin strategy fmt my/                  formats the files in place
    tocsin strategy fmt --check my/          only names those that would change`
}

func (strategyNewCmd) Help() string {
	return `Examples:

    tocsin strategy new "Services from Temp Folders" --dir my/`
}

func (strategyImportCmd) Help() string {
	return `Reads the TOML of the detection-rules repository, Kibana's exports, and one rule a line.

Examples:

    tocsin strategy import rules_export.ndjson --dir my/`
}

func (strategyExportCmd) Help() string {
	return `Examples:

    tocsin strategy export > rules.ndjson    for Kibana's import
    tocsin strategy export -o navigator > layer.json`
}

func (explainCmd) Help() string {
	return `Shows matches and near misses: which stage, which key, which test of the rule with the value it saw, how many milliseconds.

Examples:

    tocsin explain remotely-started-services-via-rpc Logs/
    tocsin explain my/strategy.md --variant main --limit 20 Logs/
    tocsin explain psexec-and-its-clones --host ws5 -o json Logs/`
}

func (benchCmd) Help() string {
	return `Figures of one run compare with each other, not with those of another machine or hour.

Examples:

    tocsin bench                             made-up events, shipped strategies
    tocsin bench Logs/                       your own
    tocsin bench --strategies my/ --copies 10 -o json Logs/`
}

func (coverageCmd) Help() string {
	return `For each strategy and variant and each host: covered, unproven or blind, why, and what would mend it.

Examples:

    tocsin coverage Logs/
    tocsin coverage --only psexec-and-its-clones Logs/
    tocsin coverage -o navigator Logs/ > layer.json`
}

func (baselineLearnCmd) Help() string {
	return `Learns which programs are started remotely, by whom, on how many hosts. What alerts while it learns is held apart, and counts as ordinary only when somebody has closed it as benign.

Examples:

    tocsin baseline learn -b base.jsonl Logs/
    tocsin scan --baseline base.jsonl Logs/  risk moves by what is ordinary`
}

func (baselineShowCmd) Help() string {
	return `Examples:

    tocsin baseline show -b base.jsonl
    tocsin baseline show -b base.jsonl --state held -o json`
}

func (baselineCloseCmd) Help() string {
	return `Examples:

    tocsin baseline close -b base.jsonl --benign --by jana --reason "ticket 4711" f6cc9c469c2d151dc7558eafcd395887`
}

func (baselineProposeCmd) Help() string {
	return `Nothing is proposed that would hide a validation case. Read the evidence before you take one over.

Examples:

    tocsin baseline propose -b base.jsonl --owner "workplace team"
    tocsin baseline propose -b base.jsonl --owner jana Logs/   counts the alerts of these logs, before and after`
}

func (baselineCatalogueCmd) Help() string {
	return `Examples:

    tocsin baseline catalogue`
}
