package paramservice

// Set sets parameters as a client of set_parameters_atomically does: all or none, under the
// same rules, announced and told alike. It is for the program itself, from any goroutine; the
// error is the reason of the refusal.
func (s *Server) Set(list []Assignment) error { return s.assign(list) }
