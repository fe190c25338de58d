package app

import (
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// sumsOnly reports whether nothing is kept of single queries.
func (o *ScoreOptions) sumsOnly() bool {
	return o.Top == 0 && o.Matrix == "" && (o.Aggregate == "sum" || o.Aggregate == "mean")
}

// pool asks for all queries of a group at once where the method's scores add up.
func pool(j *influence.Job, out *sink.SinkOptions, scorer influence.Scorer) {
	pools := &influence.Pools{Of: out.QueryGroups.Of, Count: 1}
	names := sink.Keys(groupNames{"all"})
	if pools.Of == nil {
		pools.Of = make([]int32, j.Query.Len())
	} else {
		pools.Count, names = int(out.QueryGroups.Names.Len()), out.QueryGroups.Names
	}
	pooled := *j
	pooled.Pools = pools
	if _, err := scorer.Layout(pooled); err != nil {
		return // Not all methods can, and the layout of single queries says what else is wrong.
	}
	*j = pooled
	out.QueryRows, out.QueryKeys = influence.RowRange(0, int64(pools.Count)), names
	out.PoolRows = make([]int64, pools.Count)
	for _, p := range pools.Of {
		out.PoolRows[p]++
	}
	if out.QueryGroups.Of != nil {
		out.QueryGroups.Of = make([]int32, pools.Count)
		for p := range out.QueryGroups.Of {
			out.QueryGroups.Of[p] = int32(p)
		}
	}
}

// groupsOf returns the groups of query rows as a sink has them.
func groupsOf(g *dataset.Groups) sink.QueryGroups {
	return sink.QueryGroups{Of: g.Of, Names: groupNames(g.Names)}
}

// groupNames are the keys of query groups.
type groupNames []string

func (g groupNames) Len() int64            { return int64(len(g)) }
func (g groupNames) IsInt() bool           { return false }
func (g groupNames) Int(i int64) int64     { return i }
func (g groupNames) String(i int64) string { return g[i] }
