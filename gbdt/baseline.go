package gbdt

import (
	"context"
	"math"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// Random returns standard normal scores, the control that every method has to
// beat. A score depends on seed, train row, query row and entry only, so it is
// the same in any tile, subset or order. queries may be nil for jobs with Self.
func (m *Model) Random(queries *Queries, seed uint64) influence.Scorer {
	return &pairScorer{
		model: m, queries: queries, perRow: true,
		description: influence.Description{
			Method: "random", Source: "standard normal numbers from SplitMix64 (Steele, Lea, Flood 2014) by the polar method (Marsaglia 1964)",
			PositiveMeans: "nothing", NegativeMeans: "nothing", Unit: "none", Approximate: []string{}, Signed: true,
		},
		row: func(train, query int64, entry int) float64 {
			return normal(mix(mix(mix(seed^0x9e3779b97f4a7c15)+uint64(train))+uint64(query)*31) + uint64(entry))
		},
	}
}

// TrainLoss returns each train row's own loss under the model: the larger, the
// more the model disagrees with the row's label. It is the same for every
// query. queries may be nil for jobs with Self.
func (m *Model) TrainLoss(queries *Queries) influence.Scorer {
	return &pairScorer{
		model: m, queries: queries,
		description: influence.Description{
			Method: "loss", Source: "the loss of the train row at the end of training (Brophy, Hammoudeh, Lowd, JMLR 24 (2023), baseline Loss)",
			PositiveMeans: "the loss of the train row itself, whatever the query", NegativeMeans: "does not occur",
			Unit: m.unit(influence.Quantity{}), Approximate: []string{"a baseline, not an effect"},
		},
	}
}

// pairScorer computes scores one by one. Where row is nil the score is the
// train row's loss.
type pairScorer struct {
	model       *Model
	queries     *Queries
	description influence.Description
	perRow      bool // the score differs between queries
	row         func(train, query int64, entry int) float64
}

func (s *pairScorer) Describe() influence.Description { return s.description }

func (s *pairScorer) Layout(j influence.Job) (influence.Layout, error) {
	if j.Pools != nil {
		return influence.Layout{}, errNoPools(s.Describe().Method)
	}
	// The grid is that of any other method, so that results stand side by side.
	return (&joinScorer{model: s.model, queries: s.queries, est: &boostin{model: s.model}}).Layout(j)
}

func (s *pairScorer) Plan(_ context.Context, j influence.Job) (influence.Plan, error) {
	l, err := s.Layout(j)
	if err != nil {
		return influence.Plan{}, err
	}
	ops := float64(l.Train) * float64(l.Query)
	return influence.Plan{
		MemoryBytes: int64(s.model.workers) * tileScores * l.Precision.Bytes(),
		Operations:  ops, Seconds: ops * 30e-9 / float64(s.model.workers), Units: l.NumUnits(),
	}, nil
}

func (s *pairScorer) Score(ctx context.Context, j influence.Job, sink influence.Sink) error {
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	for u := range sink.Missing() {
		if err := s.unit(ctx, j, l, u, sink); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *pairScorer) unit(ctx context.Context, j influence.Job, l influence.Layout, u influence.Range2, sink influence.Sink) error {
	per := int64(l.PerRow)
	width := min(u.Query.Len(), tileScores/(queryBlock*per)*queryBlock*per)
	step := min(max(tileScores/width, 1), blockRows)
	chunks := int((u.Train.Len() + step - 1) / step)
	return parallel.For(ctx, s.model.workers, chunks, func(_, b int) error {
		lo := u.Train.Lo + int64(b)*step
		rows := influence.Range{Lo: lo, Hi: min(lo+step, u.Train.Hi)}
		losses, err := s.losses(j, rows)
		if err != nil {
			return err
		}
		for qlo := u.Query.Lo; qlo < u.Query.Hi; qlo += width {
			r := influence.Range2{Query: influence.Range{Lo: qlo, Hi: min(qlo+width, u.Query.Hi)}, Train: rows}
			out := make([]float64, 0, rows.Len()*r.Query.Len())
			for i := rows.Lo; i < rows.Hi; i++ {
				train := j.Train.At(i)
				for e := r.Query.Lo; e < r.Query.Hi; e++ {
					switch {
					case s.row == nil:
						out = append(out, losses[i-rows.Lo])
					case j.Self:
						out = append(out, s.row(train, -1-train, 0))
					default:
						out = append(out, s.row(train, j.Query.At(e/per), int(e%per)))
					}
				}
			}
			if err := sink.Put(ctx, narrow(r, out, j.Precision)); err != nil {
				return err
			}
		}
		return nil
	})
}

// losses returns the train rows' losses at the end of training, where they are
// asked for.
func (s *pairScorer) losses(j influence.Job, at influence.Range) ([]float64, error) {
	if s.row != nil {
		return nil, nil
	}
	m := s.model
	out := make([]float64, at.Len())
	ids, leaf := m.train.reader(), make([]uint32, blockRows)
	err := runs(j.Train, at, func(row int64, n, off int) error {
		if err := ids.load(int(row / blockRows)); err != nil {
			return err
		}
		f := cut(scratch(m.k), n)
		m.margins(ids, int(row%blockRows), f, leaf)
		m.loss.Value(m.train.y[row:row+int64(n)], f, out[off:off+n])
		return nil
	})
	return out, err
}

func narrow(r influence.Range2, s []float64, p influence.Precision) influence.Tile {
	if p == influence.Float64 {
		return influence.Tile{Range2: r, F64: s}
	}
	f := make([]float32, len(s))
	for i, v := range s {
		f[i] = float32(v)
	}
	return influence.Tile{Range2: r, F32: f}
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// normal draws a standard normal number from the counter-based stream of key.
func normal(key uint64) float64 {
	for i := uint64(0); ; i += 2 {
		u := uniform(mix(key + (i+1)*0x9e3779b97f4a7c15))
		v := uniform(mix(key + (i+2)*0x9e3779b97f4a7c15))
		s := float64(u*u) + float64(v*v)
		if s > 0 && s < 1 {
			return u * math.Sqrt(-2*kernel.Log(s)/s)
		}
	}
}

// uniform maps 53 bits to (−1, 1).
func uniform(x uint64) float64 { return (float64(x>>11)+0.5)*0x1p-52 - 1 }
