// Package lifecycle does what buckets' lifecycle configurations say: it expires
// objects, removes old versions and delete markers that hide nothing, and ends
// uploads that were never completed.
//
// Rules, Filter and Decide are pure: rules and the versions of one key go in,
// deletions come out. Runner applies them to an object store, bucket by bucket.
//
// As in S3, expiry is not a call of anyone: no caller, no permission and no
// record ("Amazon S3 Lifecycle actions are not captured by AWS CloudTrail
// object level logging", S3 User Guide). The engine's own log says what was
// done. Transitions are accepted, stored and returned, and change nothing:
// there is one class of storage underneath.
//
// Sources: "Lifecycle configuration elements" and "Expiring objects" in the
// Amazon S3 User Guide.
package lifecycle
