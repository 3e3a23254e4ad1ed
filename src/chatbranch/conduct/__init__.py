"""The branch's discipline over its own outlets: complaints, reply, panels by lot, decisions with reasons, appeals. Nobody else's."""
