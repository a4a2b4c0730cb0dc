"""Supervises HAProxy and consul-template: a configuration is checked before it is used."""
