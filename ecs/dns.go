package ecs

var dnsQuery = step{writes: "dns.question.name", moves: "QueryName", do: func(m *mapper, to []int) { m.setText(to[0], m.get("QueryName")) }}
