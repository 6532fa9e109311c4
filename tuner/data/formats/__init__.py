"""Files and folders of other programs: a format a file, each read into `tuner.data.validation.RawArrays`.

Nothing here looks at values (`validation`), maps labels (`labels`) or knows data sets by name (`sources`); `folders` finds the data set of a folder. Nothing is unpickled.
"""
