// Package model trains small models in Go (ridge regression, softmax regression,
// multilayer perceptrons) and hands over what influence estimation needs of them: a
// capture of every example at every checkpoint, and for the convex ones the exact
// Hessian. So training, attribution, removal and training again happen in one
// program, without Python.
//
// # What
//
// [Fit] trains a [Model] on [Data] as [Options] say; [Subset] leaves rows out. All
// kinds are the same thing, linear layers with an activation between them; ridge and
// softmax regression have one layer. [Model.Losses] and [Model.Outputs] apply it,
// [Model.Save] and [Load] keep it, [Model.Capture] writes a capture folder of level
// rows, which every method on vectors reads. [Model.Hessian] answers exactly what
// captures answer approximately.
//
// # Shapes
//
//	X  n × d           features, row after row
//	a  n × (in + 1)    inputs of a layer, and a 1: for the first layer the scaled features
//	Θ  out × (in + 1)  weights of a layer, the bias last
//	z  n × out         a·Θᵀ: outputs of a layer, before the activation
//	g  n × out         gradient of each example's own loss by z
//
// The loss of an example is −log p of its class, or (z − y)²/2. The objective is
//
//	J(θ) = (1/N)·Σ_i loss_i + μ/2·‖θ‖²
//
// over the rows that are trained on, with N their number or one that is given, and
// with the biases in θ unless they are free. It is the objective of the representer
// theorem (Yeh et al. 2018) with μ = 2λ.
//
// # Flow
//
//	ReadTable ─▶ Data ─Fit─▶ Model ─Save─▶ model.json, model.safetensors
//	                           ├─Capture─▶ train/, query/ ─▶ influence.Exact, TracIn, …
//	                           └─Hessian─▶ influence, leave-one-out, groups
//
// All arithmetic is float64 on internal/kernel. Results do not depend on workers or on
// the CPU.
//
// # Not here
//
// Boosted trees (package gbdt), and networks with anything but linear layers: those are
// captured where they are trained (package capture, and the Python package).
package model
