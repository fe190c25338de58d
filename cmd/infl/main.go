// Command infl tells which training rows taught a model what it does.
package main

import (
	"context"
	"fmt"
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
func run(args []string, s app.Streams) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	c := &app.Common{Streams: s, Version: app.BuildVersion(), Args: args}
	defer func() {
		if p := recover(); p != nil {
			c.PrintError(fmt.Errorf("internal error: %v; please report it with the command line and infl version", p))
			code = app.ExitError
		}
	}()
	err := execute(ctx, c)
	if err != nil {
		c.PrintError(err)
	}
	return app.ExitCode(err)
}

// execute runs the command line c.Args.
func execute(ctx context.Context, c *app.Common) error {
	root := newRoot(c)
	root.SetArgs(c.Args)
	return root.ExecuteContext(ctx)
}
