package main

// limitFileSize does nothing: Windows has no limit on the size of a file.
func limitFileSize() {}
