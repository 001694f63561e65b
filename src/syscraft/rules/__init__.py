"""The known mistakes in the design of calls, and what finds them in a call."""
