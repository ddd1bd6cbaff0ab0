package ecs

import "testing"

// TestServices checks what becomes of the Service Control Manager's events, and
// that ids of other sources in the System log are not taken for them.
func TestServices(t *testing.T) {
	nxlog := func(source, id, more string) []byte {
		return []byte(`{"Channel":"System","SourceName":"` + source + `","EventID":` + id + `,"Hostname":"MARSH-01","EventTime":"2024-03-05 10:12:00",` +
			`"UserID":"S-1-5-21-11-22-33-1104","AccountName":"älva","Domain":"MARSH","AccountType":"User"` + more + `}`)
	}
	const installed = `,"ServiceName":"Heron","ImagePath":"C:\\nest\\heron.exe -x","StartType":"demand start"`
	for _, c := range []struct {
		name string
		doc  []byte
		want map[string]string
	}{
		{"installed", nxlog("Service Control Manager", "7045", installed), map[string]string{
			"event.category": "configuration", "event.type": "creation", "event.action": "service-installed", "event.dataset": "system.system",
			"service.name": "Heron", "service.executable": `C:\nest\heron.exe -x`, "winlog.event_data.ImagePath": `C:\nest\heron.exe -x`,
			"user.id": "S-1-5-21-11-22-33-1104", "user.name": "älva", "user.domain": "MARSH", "related.user": "älva"}},
		{"of another source", nxlog("Heron", "7045", installed), map[string]string{
			"event.category": "", "event.action": "", "service.name": "", "event.dataset": "system.system", "user.id": ""}},
		{"state", nxlog("Service Control Manager", "7036", `,"param1":"Heron","param2":"running"`), map[string]string{
			"event.code": "7036", "event.category": "", "winlog.event_data.param1": "Heron", "winlog.event_data.param2": "running"}},
		{"application", []byte(`{"Channel":"Application","SourceName":"Heron","EventID":1,"Hostname":"MARSH-01"}`),
			map[string]string{"event.dataset": "system.application", "event.module": "system", "event.category": ""}},
		{"another log", []byte(`{"Channel":"Heron/Operational","SourceName":"Heron","EventID":1,"Hostname":"MARSH-01"}`),
			map[string]string{"event.dataset": "", "event.module": "", "event.code": "1"}},
		{"program", []byte(`{"Channel":"Microsoft-Windows-AppLocker/EXE and DLL","SourceName":"Microsoft-Windows-AppLocker","EventID":8004,"UserID":"S-1-5-7",` +
			`"FileHash":"00FF","FullFilePath":"C:\\nest\\heron.exe","Fqbn":"O=HERON AND SONS, L=MARSH, S=FEN, C=XX\\HERON\\HERON.EXE\\1.0.0.0"}`),
			map[string]string{"event.category": "process", "event.type": "denied", "file.hash.sha256": "00FF", "file.name": "heron.exe", "user.id": "S-1-5-7",
				"file.x509.subject.organization": "HERON AND SONS", "file.x509.subject.locality": "MARSH", "file.x509.subject.country": "XX",
				"file.x509.subject.state_or_province": "FEN", "file.pe.product": "HERON", "file.pe.original_file_name": "HERON.EXE", "file.pe.file_version": "1.0.0.0"}},
		{"program that nobody signed", []byte(`{"Channel":"Microsoft-Windows-AppLocker/EXE and DLL","SourceName":"Microsoft-Windows-AppLocker","EventID":8002,"Fqbn":"-"}`),
			map[string]string{"event.type": "start", "file.pe.product": "", "file.x509.subject.organization": ""}},
	} {
		t.Run(c.name, func(t *testing.T) { checkDocument(t, c.doc, c.want) })
	}
}
