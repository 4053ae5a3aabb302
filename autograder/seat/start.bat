@echo off
rem Opens the course. It needs Python 3.11, 3.12 or 3.13 from python.org.
cd /d "%~dp0"
set PYTHONUTF8=1
where py >nul 2>nul
if errorlevel 1 (
  python start.py %*
) else (
  py -3 start.py %*
)
if errorlevel 1 pause
