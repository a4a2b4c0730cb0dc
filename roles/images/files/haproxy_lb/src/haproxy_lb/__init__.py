"""Looks after HAProxy and consul-template: what they are to run is checked before it is used."""
