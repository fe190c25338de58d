package sink_test

func heldRun() bool { return false }
