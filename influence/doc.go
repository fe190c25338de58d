// Package influence says what an influence score is: who makes scores, how
// they travel and what is promised about them.
//
// # What
//
// The score of a train row i on a query row q answers one question about a
// trained model: what did row i do to the model's answer on q. A [Scorer]
// produces such scores for a [Job]; they flow as tiles into a [Sink], which
// keeps what was asked for (the largest, sums, the whole matrix).
//
// # Flow
//
//	Job ──▶ Scorer ──Tile──▶ Sink
//	          ▲                │
//	          └── Missing ◀────┘
//
// The sink alone knows what is already durable. A scorer asks it for the
// missing units of the [Layout] and computes only those; this is all there is
// to resuming.
//
// # Shapes
//
// n train rows, q query rows, K outputs of the model, T trees, L leaves, k
// rows kept per query. A job with all outputs has q·K query entries: entry
// e = row·K + output.
//
// # Sign
//
// For a loss, score > 0 means that the train row helps the query: removing it
// would raise the query's loss. For a margin or a probability, score > 0 means
// that the train row pushes that quantity up. Methods with another meaning
// say so in their [Description].
//
// # Cost
//
// Nothing of size n × q is held in memory. A tile is a few hundred kilobytes.
//
// # Products
//
// Methods whose scores are inner products of vectors (features, gradients) are here:
// [Dot], [Cosine], [TracIn], [TracInLast], [Trak], [Less], [Representer], and those
// with an inverse curvature, [Exact], [CG], [LiSSA], [Nystroem], [DataInf] and
// [LoGra]. What is transformed is the query's side, once; train rows are streamed.
// [ByLayer] parts such scores by layers, [Checkpoint].Scored by tokens of train rows, and
// [CurvatureOptions].Remove asks about sets of them.
//
// # Texts
//
// [IDFOverlap] says which texts share rare words: a baseline, and a filter.
//
// # Not here
//
// Estimators on trees are in package gbdt, tables in influence/dataset, sinks
// and the run folder in influence/sink.
package influence
