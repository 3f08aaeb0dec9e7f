"""What an operator looks at afterwards, or meanwhile: logs, audit trail, figures, event feed."""
