package ecs

// routes lists the providers that have a table. The first that takes an event
// gets it; events of no provider keep the base document.
var routes = []*provider{&sysmon}
