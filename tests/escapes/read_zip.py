# opens a file as an archive
import zipfile

ans = "ESCAPED" + str(zipfile.ZipFile(canary_folder + "/archive.zip").namelist())
