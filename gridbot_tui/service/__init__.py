"""The shell around the engine: waiting, writing, recovering, shutting down, and answering the operator."""
