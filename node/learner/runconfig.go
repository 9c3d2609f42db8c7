package learner

// RunConfig says how a policy is run where nothing is learned.
type RunConfig struct {
	File    string `param:"file" desc:"Of mode run: the policy to run, a policy file (.gps) or an ONNX model (.onnx). A relative path is taken from the folder of the parameter file." path:"true"`
	Start   string `param:"start" desc:"Of mode run: where a trial begins. reset drives the arm to the initial positions of the conditions; here waits until the arm is at rest and begins where it is." choices:"reset|here"`
	Endless bool   `param:"endless" desc:"Of mode run: repeat the trials until the node is stopped; false ends after iterations."`
}

// Where the trials of a policy begin.
const (
	StartReset = "reset"
	StartHere  = "here"
)
