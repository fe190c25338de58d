package influencetest

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/parallel"
)

// A Func is a Scorer over a plain function: for tests of sinks and of whoever
// uses scorers. The zero value of each field but the first three is a default.
type Func struct {
	Train, Query int64 // rows of the tables
	Score        func(train, query int64, output int) float64

	Outputs        int   // outputs of the model; 0 means 1
	QBlock, NBlock int64 // of the layout; 0 means all queries and influence.UnitRows
	QTile, NTile   int64 // largest tile; 0 means a whole unit
	Shuffle        uint64
	Workers        int
	Description    influence.Description
}

// NewScorer returns the scorer of f. Tiles of a unit come in ascending order,
// or, where Shuffle is not 0, in a random order with that seed, as units do.
// A self job scores train row i by Score(i, i, 0).
func (f Func) NewScorer() influence.Scorer { return funcScorer{f} }

type funcScorer struct{ f Func }

func (s funcScorer) Describe() influence.Description {
	d := s.f.Description
	if d.Method == "" {
		d = influence.Description{Method: "func", Source: "a test", PositiveMeans: "larger", NegativeMeans: "smaller", Unit: "one", Signed: d.Signed}
	}
	return d
}

func (s funcScorer) Layout(j influence.Job) (influence.Layout, error) {
	if err := j.Validate(s.f.Train, s.f.Query); err != nil {
		return influence.Layout{}, err
	}
	l := influence.Layout{Train: j.Train.Len(), Query: 1, PerRow: 1, Precision: j.Precision}
	if !j.Self {
		l.Query = j.Query.Len()
		if j.Of.Kind != influence.Loss && j.Of.Output == influence.Every {
			l.PerRow = max(s.f.Outputs, 1)
			l.Query *= int64(l.PerRow)
			l.Output = make([]int32, l.Query)
			for e := range l.Output {
				l.Output[e] = int32(e % l.PerRow)
			}
		}
	}
	l.QBlock, l.NBlock = s.f.QBlock, s.f.NBlock
	if l.QBlock == 0 {
		l.QBlock = max(l.Query, 1)
	}
	if l.NBlock == 0 {
		l.NBlock = influence.UnitRows
	}
	return l, nil
}

func (s funcScorer) Plan(ctx context.Context, j influence.Job) (influence.Plan, error) {
	l, err := s.Layout(j)
	if err != nil {
		return influence.Plan{}, err
	}
	return influence.Plan{Units: l.NumUnits()}, ctx.Err()
}

func (s funcScorer) Score(ctx context.Context, j influence.Job, sink influence.Sink) error {
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	if s.f.Score == nil {
		return errors.New("the scorer has no function")
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	var tiles []influence.Range2
	for u := range sink.Missing() {
		tiles = append(tiles, s.cut(u)...)
	}
	if s.f.Shuffle != 0 {
		r := rand.New(rand.NewPCG(s.f.Shuffle, 0))
		r.Shuffle(len(tiles), func(a, b int) { tiles[a], tiles[b] = tiles[b], tiles[a] })
	}
	return parallel.For(ctx, s.f.Workers, len(tiles), func(_, b int) error {
		return sink.Put(ctx, s.tile(j, l, tiles[b]))
	})
}

// cut returns the tiles of a unit.
func (s funcScorer) cut(u influence.Range2) []influence.Range2 {
	qTile, nTile := s.f.QTile, s.f.NTile
	if qTile == 0 {
		qTile = u.Query.Len()
	}
	if nTile == 0 {
		nTile = u.Train.Len()
	}
	var out []influence.Range2
	for i := u.Train.Lo; i < u.Train.Hi; i += nTile {
		for e := u.Query.Lo; e < u.Query.Hi; e += qTile {
			out = append(out, influence.Range2{
				Query: influence.Range{Lo: e, Hi: min(e+qTile, u.Query.Hi)},
				Train: influence.Range{Lo: i, Hi: min(i+nTile, u.Train.Hi)},
			})
		}
	}
	return out
}

func (s funcScorer) tile(j influence.Job, l influence.Layout, area influence.Range2) influence.Tile {
	t := influence.Tile{Range2: area}
	for i := area.Train.Lo; i < area.Train.Hi; i++ {
		for e := area.Query.Lo; e < area.Query.Hi; e++ {
			train, query := j.Train.At(i), int64(0)
			if j.Self {
				query = train
			} else {
				query = j.Query.At(e / int64(l.PerRow))
			}
			v := s.f.Score(train, query, int(e)%l.PerRow)
			if l.Precision == influence.Float64 {
				t.F64 = append(t.F64, v)
			} else {
				t.F32 = append(t.F32, float32(v))
			}
		}
	}
	return t
}
