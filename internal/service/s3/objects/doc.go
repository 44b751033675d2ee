// Package objects keeps the objects of buckets: versitygw's S3 server and its
// POSIX backend, run inside this process and reached over a private unix
// socket. Nothing here knows accounts or policies; package s3 decides before
// it asks.
//
// What is on disk, below the folder given to Open:
//
//	objects/BUCKET/KEY      the current version of every object, a plain file
//	versions/BUCKET/...     older versions and their delete markers
//	sidecar/                metadata, only where the file system has no user.* attributes
//	metadata                the word "xattr" or "sidecar": where metadata is, chosen once
//	s3.sock                 the socket, only while the engine runs
package objects
