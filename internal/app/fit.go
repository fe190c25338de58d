package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/store"
	"github.com/infl-dev/infl/internal/parallel"
)

// FitOptions are the flags of infl fit.
type FitOptions struct {
	Common
	Method     string
	Train      string
	Out        string
	Projection string
	Adam       string // the file of the optimiser's state
	Store      string

	Factors string // the folder of kfac whose eigenbases are taken
	Sharing string
	Labels  string
	Blocks  int
	RowsMax int64
	Dtype   string
	DryRun  bool
}

// laterFits are named in the contract and not built yet.
var laterFits = []string{"trees", "clusters"}

// fitMethods are those that exist.
var fitMethods = append([]string{"store"}, curvatureFits...)

// Validate lists what is wrong with the options.
func (o *FitOptions) Validate() error {
	var errs []error
	switch {
	case slices.Contains(fitMethods, o.Method):
	case o.Method == "":
		errs = append(errs, fmt.Errorf("--method is needed: %s", joinNames(fitMethods)))
	case slices.Contains(laterFits, o.Method):
		errs = append(errs, fmt.Errorf("--method %q is not built yet; available: %s", o.Method, joinNames(fitMethods)))
	default:
		errs = append(errs, fmt.Errorf("--method %q is not known; %s", o.Method, suggest(o.Method, fitMethods)))
	}
	errs = append(errs,
		needed(o.Train, "--train", "the gradients of the train rows"))
	if !o.DryRun {
		errs = append(errs, needed(o.Out, "--out", "the folder of the result"))
	}
	if o.Factors != "" && o.Method != "ekfac" && o.Method != "tkfac" {
		errs = append(errs, errors.New("--factors: only --method ekfac and tkfac take eigenbases"))
	}
	if o.Method != "store" && o.Adam != "" {
		errs = append(errs, errors.New("--adam: only --method store depends on it"))
	}
	if o.Method != "store" {
		return errors.Join(append(errs, o.validateCurvature())...)
	}
	if o.DryRun {
		errs = append(errs, errors.New("--dry-run: --method store has no plan, it writes what it reads; leave it out"))
	}
	if _, err := store.ParseForm(o.Store); err != nil {
		errs = append(errs, fmt.Errorf("--store: %w", err))
	}
	if o.Projection != "" {
		_, err := influence.ParseProjection(o.Projection, o.Seed)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Fit writes a store of gradients in a smaller form, projected where that is asked for,
// and measures how far its scores are from those of the gradients themselves. A folder
// that was begun by the same command is continued.
func Fit(ctx context.Context, o *FitOptions) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if _, err := o.limitHeap(); err != nil { // Mapped files are not in the heap.
		return err
	}
	if o.Method != "store" {
		return o.fitCurvature(ctx)
	}
	side, err := openVectorSide(&o.Common, o.Train, "float32")
	if err != nil {
		return err
	}
	if o.Adam != "" {
		err = side.step(ctx, o.Adam)
	}
	if err == nil {
		err = o.fit(ctx, side)
	}
	return errors.Join(err, side.close())
}

func (o *FitOptions) fit(ctx context.Context, side *vectorSide) error {
	p := o.progress(3)
	defer p.Close()
	p.Phase("read inputs", "", 0)
	if err := side.readNames(ctx, "", ""); err != nil {
		return err
	}
	c, err := o.content(ctx, side)
	if err != nil {
		return err
	}
	p.Phase("write store", "rows", side.rows())
	c.Progress = p.Add
	if err := o.write(ctx, c); err != nil {
		return err
	}
	p.Phase("measure", "", 0)
	f, err := o.measure(ctx, side, c)
	if err != nil {
		return kept(err)
	}
	t := &Table{Fields: []string{"out", "rows", "numbers", "store", "against", "spearman_mean", "spearman_min", "error_mean", "error_max", "top_overlap"}}
	numbers := 0
	for _, b := range c.Blocks {
		numbers += b.Cols()
	}
	for _, x := range f.Comparisons {
		t.Add(o.Out, side.rows(), numbers, o.Store, x.Against, x.SpearmanMean, x.SpearmanMin, x.ErrorMean, x.ErrorMax, x.TopOverlap)
	}
	return o.Output.Print(o.Streams, t)
}

// content says what the store is to hold.
func (o *FitOptions) content(ctx context.Context, side *vectorSide) (store.Content, error) {
	c := store.Content{Blocks: side.named(), Form: store.Form(o.Store), Keys: side.ownKeys(), Source: side.path, Workers: parallel.Workers(o.Workers)}
	print, err := side.fingerprint(ctx)
	if err != nil {
		return c, err
	}
	c.Inputs, c.Adam = &print, o.Adam != "" || side.directions()
	if o.Adam != "" {
		file, err := dataset.FingerprintFile(ctx, o.Adam)
		if err != nil {
			return c, err
		}
		c.Inputs.Files = append(c.Inputs.Files, file)
	}
	if o.Projection == "" {
		side.carry(&c)
		return c, nil
	}
	if own := side.projection(); own != nil {
		return c, fmt.Errorf("%s: is projected already, to %d numbers a block; leave --projection out", side.path, own.Size)
	}
	p, err := influence.ParseProjection(o.Projection, o.Seed)
	if err != nil {
		return c, err
	}
	c.Projection = &p
	blocks, err := side.project(p, o.Workers)
	if err != nil {
		return c, err
	}
	for i, v := range blocks {
		c.OfCols = append(c.OfCols, side.blocks[i].Cols())
		c.Blocks[i].Vectors = v
	}
	return c, nil
}

// write writes the store unless it is finished already.
func (o *FitOptions) write(ctx context.Context, c store.Content) error {
	if store.Detect(o.Out) == store.Infl {
		s, err := store.Open(o.Out, dataset.MatrixOptions{})
		if err != nil {
			return err
		}
		same, err := c.Same(s.Manifest())
		if err := errors.Join(err, s.Close()); err != nil {
			return err
		}
		if !same {
			return fmt.Errorf("%s: holds the store of other gradients, or in another form; name another folder", o.Out)
		}
		o.say("%s is complete already", o.Out)
		return nil
	}
	_, err := store.Write(ctx, o.Out, c)
	return kept(err)
}

// kept says of an interruption that what was done so far is kept.
func kept(err error) error {
	if errors.Is(err, context.Canceled) {
		return &ResumableError{err}
	}
	return err
}

// measure compares the scores of the store with those of the gradients, and of the
// projected gradients where they are projected, unless an earlier attempt has.
func (o *FitOptions) measure(ctx context.Context, side *vectorSide, c store.Content) (*store.Fidelity, error) {
	if f, err := store.ReadFidelity(o.Out); f != nil || err != nil {
		return f, err
	}
	budget, err := o.memory()
	if err != nil {
		return nil, err
	}
	s, err := store.Open(o.Out, dataset.MatrixOptions{BlockBytes: influence.BlockBytes(budget / 2)})
	if err != nil {
		return nil, err
	}
	asked := vectorsOf(c.Blocks)
	references := []store.Reference{{Name: "gradients", Blocks: side.blocks}}
	if o.Projection != "" {
		references = append(references, store.Reference{Name: "projected gradients", Blocks: asked})
	}
	f, err := store.Measure(ctx, vectorsOf(s.Blocks()), asked, references, influence.ProductOptions{Workers: o.Workers, MemoryBytes: budget / 2})
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	if f.LeftOut > 0 {
		o.say("note: %d of the rows that were drawn to measure with are not finite and were left out", f.LeftOut)
	}
	return f, store.WriteFidelity(filepath.Clean(o.Out), f)
}

func vectorsOf(blocks []store.Block) (out []influence.Vectors) {
	for _, b := range blocks {
		out = append(out, b.Vectors)
	}
	return out
}
