// Package crash tries to make the engine lose a call, record one twice, or serve
// what was damaged: it runs the built program under a random mix of calls, kills
// it at random moments and takes its disk, clock, files and destinations away,
// and then compares what clients were answered with what every trail, log group,
// history and bucket holds. docs/durability.md says what is promised, and how to
// read a run.
//
// What is compared, and how, is in this package proper, so that it is tested
// without an engine; what runs the engine is in its tests (build tag e2e).
package crash
