package baseline

import (
	"path"
	"strings"
)

// Path returns the program of a command line or of an image path, as file
// systems name it: without quotes and arguments, with the system's folder in
// full. Services name theirs as a command with variables, sensors as a path, and
// both must give the same. Case is kept.
func Path(command string) string {
	c := strings.TrimSpace(command)
	if c == "" {
		return ""
	}
	if first, _, _ := strings.Cut(c, " "); strings.EqualFold(first, "%comspec%") {
		c = first
	} else if c[0] == '"' {
		c, _, _ = strings.Cut(c[1:], `"`)
	} else if end := programEnd(c); end > 0 {
		c = c[:end]
	} else if fields := strings.Fields(c); len(fields) > 0 {
		c = fields[0]
	}
	c = strings.TrimSpace(strings.ReplaceAll(c, "/", `\`))
	for _, p := range [...]string{`\\?\`, `\??\`} {
		c = strings.TrimPrefix(c, p)
	}
	lower := strings.ToLower(c)
	for _, v := range [...]struct{ from, to string }{
		{`%comspec%`, `C:\Windows\System32\cmd.exe`},
		{`%systemroot%\`, `C:\Windows\`}, {`%windir%\`, `C:\Windows\`}, {`\systemroot\`, `C:\Windows\`},
		{`%programfiles%\`, `C:\Program Files\`}, {`%programfiles(x86)%\`, `C:\Program Files (x86)\`},
		{`%programdata%\`, `C:\ProgramData\`}, {`system32\`, `C:\Windows\System32\`},
	} {
		if strings.HasPrefix(lower, v.from) {
			return v.to + c[len(v.from):]
		}
	}
	return c
}

// programEnd is where the program of an unquoted command ends: after the first
// .exe or .sys that a blank or the end follows; 0 if there is none.
func programEnd(c string) int {
	lower := strings.ToLower(c)
	for _, ext := range [...]string{".exe", ".sys"} {
		for from := 0; ; {
			i := strings.Index(lower[from:], ext)
			if i < 0 {
				break
			}
			from += i + len(ext)
			if from == len(lower) || lower[from] == ' ' || lower[from] == '\t' {
				return from
			}
		}
	}
	return 0
}

// base is a path's file name, in lower case.
func base(p string) string { return path.Base(strings.ReplaceAll(strings.ToLower(p), `\`, "/")) }

// drive splits a path at its drive: `C:` and `\Windows\…`.
func drive(p string) (letter, rest string) {
	if len(p) > 2 && p[1] == ':' && p[2] == '\\' {
		return p[:2], p[2:]
	}
	return "", p
}
