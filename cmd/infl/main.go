// Command infl tells which training rows taught a model what it does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/infl-dev/infl/internal/app"
)

func main() {
	os.Exit(run(os.Args[1:], app.SystemStreams()))
}

// run executes one command line and returns its exit code. SIGINT and SIGTERM
// end the command's context; a second one ends the process at once.
func run(args []string, s app.Streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	c := &app.Common{Streams: s, Version: app.BuildVersion(), Args: args}
	root := newRoot(c)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		app.PrintError(s.Err, err, c.Debug)
	}
	return app.ExitCode(err)
}
