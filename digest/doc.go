// Package digest is CloudTrail's signed chain over delivered log files: the
// digest file and its key in the bucket, its signature, and the link from each
// digest to the one before.
//
// A digest lists the log files delivered in an hour with their hashes, and the
// hash and signature of the digest before it. It is signed with RSA; the public
// keys are to be had from CloudTrail. So whoever has the keys can tell that no
// log file and no digest was changed or removed, up to the newest digest that is
// there; see package [cairn/digest/verify], which does the telling.
//
// The writing side, in short:
//
//	signed, err := digest.Make(key, digest.Next{Name: name, Bucket: bucket, Start: start, Previous: link, LogFiles: files})
//	// put signed.Object() at signed.File.Object with signed.Metadata()
//	// remember signed.Link(): it is Previous of the digest after this one
package digest
