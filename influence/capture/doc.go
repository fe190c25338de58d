// Package capture reads and writes what a training program hands over: per module
// and example the inputs of the module and the gradients of its outputs, or the
// gradients of its weights. All that influence estimation needs of a model follows
// from them, so training happens once, anywhere, and questions are asked later.
//
// # What
//
// One folder, a [Capture], is one split of one data set at one checkpoint: a
// manifest.json, read as a [Manifest], and shards of tensors in safetensors files.
// A [Run] is the folders that belong together: train and query rows of a
// checkpoint, or of several. [OpenRun] refuses captures of different models.
//
// # Shapes
//
// For example n with rows t (one, or one for each token or position) of a module
// of in inputs and out outputs:
//
//	a[n,t]  in numbers   what went into the module
//	g[n,t]  out numbers  gradient of the example's loss by the module's output,
//	                     before any activation function
//	G[n]    Σ over t of g[n,t] [a[n,t], 1]ᵀ, out × (in + 1): the gradient of weights
//	        and bias, the bias last; without the 1 for a module without bias
//
// A loss is a sum over an example's positions. Modules with the same input share an input
// group, whose a is stored once. Masked positions are not stored. A capture has a level:
//
//	rows        a and g
//	grads       G
//	projected   a random projection of G
//	factors     the sums of [a, 1] [a, 1]ᵀ and g gᵀ over the rows of all examples, or of
//	            the squares of G in eigenbases over all examples
//	last_layer  a and g of one linear module that sees each example once, its outputs and
//	            the examples' labels
//
// # Flow
//
//	Writer.Write(batch) ─▶ 00000.safetensors, 00001.safetensors, …
//	                       manifest.json last
//	Open ─▶ Capture.Blocks(examples lo … hi−1) ─▶ Inputs, OutputGradients, ExampleGradients,
//	                                              ProjectedGradients
//	Capture.InputSum, OutputSum, SquareSum, Logits, Labels
//
// What a block holds depends on its examples only, not on how they lie in shards.
// An example with a number that is not finite is flagged by [Block.Flagged].
//
// # Sources
//
// The conventions [out, in+1] and sum loss are those of the EK-FAC literature
// (arXiv 2308.03296); unlike kronfluence, inputs that several modules share are
// stored once, and rows of padding are left out instead of multiplied by a mask.
//
// # Not here
//
// Curvature and scores, and stores of other tools.
package capture
